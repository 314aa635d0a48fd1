"""Addresses of flagged photos and of their review: which are asked for, and at which of them a person is."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from retailpulse.dashboard.queries import address_of, plain
from retailpulse.domain.days import day_bounds
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import parse_job_id
from retailpulse.storage.results.photos import PhotoFilter
from retailpulse.storage.reviews.history import Photo
from retailpulse.storage.reviews.queue import FIRST, QueueFilter

_PHOTO = re.compile(r"([0-9a-fA-F-]{36})\.([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which flagged photos are asked for; an empty text asks for nothing."""

    flag: str = ""
    area: str = ""
    store: str = ""
    day: str = ""

    @property
    def wanted(self) -> QueueFilter:
        """The same of the queue; a flag that there is none of asks for nothing."""
        return QueueFilter(**self._fields)

    @property
    def listed(self) -> PhotoFilter:
        """The same of the list of flagged photos."""
        return PhotoFilter(**self._fields)

    @property
    def _fields(self) -> dict[str, Any]:
        start, end = day_bounds(self.day) or (None, None)
        return {
            "flags": (Flag(self.flag),) if self.flag in set(Flag) else (),
            "area_codes": (self.area,) if self.area else (),
            "store_ids": (self.store,) if self.store else (),
            "start": start,
            "end": end,
        }

    @property
    def is_filtered(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.flag or self.area or self.store or self.day)

    def address(self, path: str = "/review", **more: str) -> str:
        """The address of these photos; `more` is what else stands in it."""
        return address_of(path, asdict(self) | more)


def asked_of(query: Mapping[str, str]) -> Asked:
    """What the query of an address asks for."""
    names = ("flag", "area", "store", "day")
    flag, area, store, day = (plain(query.get(name, "")) for name in names)
    return Asked(
        flag=flag if flag in set(Flag) else "", area=area, store=store, day=day if day_bounds(day) else ""
    )


def write_photo(photo: Photo) -> str:
    """A photo as addresses and forms name it."""
    return f"{photo[0]}.{photo[1]}"


def read_photo(text: str) -> Photo | None:
    """The photo that a text names, or None."""
    found = _PHOTO.fullmatch(text)
    job_id: UUID | None = parse_job_id(found[1]) if found else None
    return (job_id, int(found[2])) if found and job_id else None


def position_before(photo: Photo | None) -> Photo:
    """The position in the queue after which this photo comes; the beginning for none."""
    return FIRST if photo is None else (photo[0], photo[1] - 1)


def following(photo: Photo) -> Photo:
    """The place of the next photo, whichever that is."""
    return photo[0], photo[1] + 1
