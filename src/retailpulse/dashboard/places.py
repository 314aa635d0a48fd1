"""Where a page of a list begins, as the text in its address; one that is none begins at the start."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec

from retailpulse.storage.jobs.list import JobPlace
from retailpulse.storage.jobs.store_pages import StorePlace
from retailpulse.storage.results.photos import PhotoPlace
from retailpulse.storage.stores.history import VisitPlace
from retailpulse.storage.stores.search import Part, StoreCursor
from retailpulse.storage.stores.visits import VisitCursor
from retailpulse.storage.webhooks.listing import DeliveryPlace

Place = TypeVar("Place")
_NO_INSTANT = "infinity"
_RowNumber = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


def write_job_place(place: JobPlace) -> str:
    """The place after a job in the list of jobs."""
    return _write(place)


def read_job_place(text: str) -> JobPlace | None:
    """The place that a text names, or None."""
    return _read(text, tuple[datetime, UUID])


def write_store_place(place: StoreCursor) -> str:
    """The place after a store in a search."""
    return _write((int(place.part), place.key, place.store_id))


def read_store_place(text: str) -> StoreCursor | None:
    """The place that a text names, or None."""
    found = _read(text, tuple[Part, str, str])
    return None if found is None else StoreCursor(part=found[0], key=found[1], store_id=found[2])


def write_delivery_place(place: DeliveryPlace) -> str:
    """The place after a delivery in the list of a state."""
    return _write(place)


def read_delivery_place(text: str) -> DeliveryPlace | None:
    """The place that a text names, or None."""
    return _read(text, tuple[datetime, UUID, _RowNumber])


def write_visit_place(place: VisitCursor) -> str:
    """The place after a visit among those of stores."""
    return _write((place.store_id, place.visited_at, place.job_id, place.visit_no))


def read_visit_place(text: str) -> VisitCursor | None:
    """The place that a text names, or None."""
    found = _read(text, tuple[str, datetime | None, UUID, _RowNumber])
    if found is None:
        return None
    return VisitCursor(store_id=found[0], visited_at=found[1], job_id=found[2], visit_no=found[3])


def write_photo_place(place: PhotoPlace) -> str:
    """The place after a photo among those that are flagged."""
    return _write((place.settled_at, place.job_id, place.image_no))


def read_photo_place(text: str) -> PhotoPlace | None:
    """The place that a text names, or None."""
    found = _read(text, tuple[datetime, UUID, _RowNumber])
    return None if found is None else PhotoPlace(settled_at=found[0], job_id=found[1], image_no=found[2])


def write_row_place(place: StorePlace) -> str:
    """The place after a store in the table of a job."""
    return _write((place.key, place.first_visit_no))


def read_row_place(text: str, *, is_text: bool) -> StorePlace | None:
    """The place that a text names, or None; a table is sorted by a text or a number."""
    found: tuple[str, int] | tuple[int, int] | None
    found = _read(text, tuple[str, _RowNumber]) if is_text else _read(text, tuple[_RowNumber, _RowNumber])
    return None if found is None else StorePlace(key=found[0], first_visit_no=found[1])


def write_history_place(place: VisitPlace) -> str:
    """The place after a visit in the history of a store."""
    return _write((place.at, place.job_id, place.visit_no))


def read_history_place(text: str) -> VisitPlace | None:
    """The place that a text names, or None."""
    found = _read(text, tuple[str, UUID, _RowNumber])
    if found is None or not (found[0] == _NO_INSTANT or _is_instant(found[0])):
        return None
    return VisitPlace(at=found[0], job_id=found[1], visit_no=found[2])


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _write(place: Any) -> str:
    return msgspec.json.encode(place).decode()


def _read(text: str, kind: type[Place]) -> Place | None:
    """A place as it is written; nobody but the addresses of pages has any reason to write others."""
    if "\\u0000" in text:
        return None
    try:
        found = msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    times = [part for part in found if isinstance(part, datetime)]  # type: ignore[attr-defined]
    return found if all(time.tzinfo is not None for time in times) else None
