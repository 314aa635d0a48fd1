"""A photo as facts in words, and what of them is equal in the earlier photo that it is most like."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from retailpulse.dashboard import words
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.domain.times import parse_visit_time
from retailpulse.schema import Result
from retailpulse.service import PhotoDetail
from retailpulse.storage.matches.list import MatchRow

UNKNOWN = "unknown"
_SAME = {MatchKind.SAME_FILE: "file", MatchKind.COPY: "picture", MatchKind.SAME_SCENE: "scene"}
_OF = {
    Relation.SAME_VISIT: "of the same visit",
    Relation.SAME_STORE: "of the same store",
    Relation.OTHER_STORE: "of another store",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A fact of a photo; `value` is None if it is unknown."""

    name: str
    value: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A fact of two photos; `matters` if it decides on which visit a photo is of, and who took it."""

    name: str
    this: str
    other: str
    is_equal: bool
    matters: bool


def _camera(row: Result) -> str | None:
    return " ".join(filter(None, (row.camera_make, row.camera_model))) or None


def _size(row: Result) -> str | None:
    if row.width is None or row.height is None:
        return None
    width, height = row.displayed_width or row.width, row.displayed_height or row.height
    return f"{width} × {height}"


def _place(row: Result) -> str | None:
    meters = row.checks.store_distance_m
    return None if meters is None else words.distance(meters)


_FACTS: tuple[tuple[str, Callable[[Result], str | None], bool], ...] = (
    ("Store", lambda row: row.store_id, True),
    ("Visit", lambda row: words.visit_time(row.visit_time), True),
    ("Taken", lambda row: words.capture_time(row.taken_at), False),
    ("Camera", _camera, True),
    ("Software", lambda row: row.software, False),
    ("To the store", _place, False),
    ("Pixels", _size, False),
    ("Format", lambda row: row.format, False),
    ("File", lambda row: None if row.size_bytes is None else words.size(row.size_bytes), False),
    ("SHA-256", lambda row: row.sha256, False),
)
"""Facts by their names, how each is written, and whether it matters where two photos are compared."""
_NUMBERS = {
    "sharpness": "Sharpness",
    "brightness": "Brightness, of 255",
    "brightness_p5": "5% no brighter than",
    "brightness_p50": "Half no brighter than",
    "brightness_p95": "95% no brighter than",
    "brightness_p99": "99% no brighter than",
    "contrast": "Contrast",
    "blown": "Blown out",
    "content": "Shows anything",
    "hours_from_visit": "Hours from the visit",
    "store_distance_m": "Meters to the store",
}
_SHARES = {"blown", "content"}


def facts(row: Result) -> list[Fact]:
    """What is known of a photo, and by whose word; unknown ones are said to be."""
    return [Fact(name=name, value=written(row)) for name, written, _ in _FACTS]


def checks(row: Result) -> list[Fact]:
    """The numbers behind the flags of a photo that are known."""
    found = []
    for name, title in _NUMBERS.items():
        number = getattr(row.checks, name)
        if number is not None:
            value = words.share(number, 1) if name in _SHARES else f"{number:,.2f}".rstrip("0").rstrip(".")
            found.append(Fact(name=title, value=value))
    return found


def compared(this: Result, other: Result) -> list[Compared]:
    """Facts that are known of one of two photos at least."""
    found = []
    for name, written, matters in _FACTS:
        one, another = written(this), written(other)
        if one is None and another is None:
            continue
        found.append(
            Compared(
                name=name,
                this=one or UNKNOWN,
                other=another or UNKNOWN,
                is_equal=one == another,
                matters=matters,
            )
        )
    return found


def headline(match: MatchRow) -> str:
    """The same picture, 7 days later, of another store."""
    what = f"The same {_SAME.get(MatchKind(match.kind), 'picture')}"
    parts = (what, _later(match), _OF.get(Relation(match.relation)))
    return ", ".join(filter(None, parts))


def _later(match: MatchRow) -> str | None:
    this, earlier = parse_visit_time(match.visit_time), parse_visit_time(match.earlier_visit_time)
    if not (isinstance(this, datetime) and isinstance(earlier, datetime)) or this == earlier:
        return None
    seconds = (this - earlier).total_seconds()
    return f"{words.duration(abs(seconds))} {'later' if seconds > 0 else 'before it'}"


def is_reused(detail: PhotoDetail) -> bool:
    """Whether a photo is flagged for an earlier one that is there to be compared with."""
    return detail.earlier is not None and bool({"copy", "same_scene"} & set(detail.result.flags))
