"""Where a page of a list begins, as the text in its address; one that is none begins at the start."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec

from retailpulse.storage.jobs.list import JobPlace
from retailpulse.storage.stores.search import Part, StoreCursor
from retailpulse.storage.stores.visits import VisitCursor
from retailpulse.storage.webhooks.listing import DeliveryPlace

Place = TypeVar("Place")
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
