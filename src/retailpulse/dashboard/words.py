"""How the dashboard writes numbers, times, states, causes and flags. Not here: how they look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from retailpulse.domain.flags import Flag
from retailpulse.domain.hosts import WaitReason
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import parse_visit_time
from retailpulse.schema import FlaggedPhoto, Job, JobSummary, Result, WaitingFor

_CAUSES = {
    Cause.HTTP_STATUS: "HTTP error",
    Cause.TIMEOUT: "Timeout",
    Cause.BAD_URL: "Unusable URL",
    Cause.DNS: "DNS error",
    Cause.STORE_ID_NOT_FOUND: "Unknown store",
}
"""Causes whose names do not read well as they are."""
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "reuse": ("copy", "same_scene"),
    "place": ("time_mismatch", "far_from_store", "stale"),
}
"""Flags by their family; all others are about the picture."""
_FLAGS = {"time_mismatch": "Wrong time", "stale": "Old photo"}
_DECISIONS = {
    "accepted": "Accepted",
    "rejected": "Rejected",
    "flag_wrong": "Flag is wrong",
    "undone": "Undone",
}
_WAITS = {
    WaitReason.BREAKER: "left alone, as only failures came from it",
    WaitReason.REST: "it asked to be left alone for a while",
    WaitReason.PACE: "it takes only so many requests a second",
    WaitReason.CAP: "it takes only so many requests at once",
}
_PAUSES = {WaitReason.BREAKER, WaitReason.REST}
_MILLION = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How a job stands: in words, with the names of its icon and of its colours."""

    text: str
    icon: str
    role: str


def state_of(job: JobSummary, *, is_stuck: bool = False) -> State:
    """What a person wants to know of a job: a job of which some failed is done, with failures."""
    images = job.images
    if job.status is JobStatus.ONGOING:
        return _state_of_ongoing(job, is_stuck=is_stuck)
    if job.status is JobStatus.CANCELLED:
        return State(text="Cancelled", icon="wait", role="quiet")
    if images.failed == 0:
        return State(text="Done", icon="done", role="ok")
    if images.failed == images.total:
        everything = "The only image failed" if images.total == 1 else f"All {count(images.total)} failed"
        return State(text=everything, icon="cross", role="bad")
    return State(text=f"Done, {count(images.failed)} failed", icon="warn", role="warn")


def _state_of_ongoing(job: JobSummary, *, is_stuck: bool) -> State:
    if isinstance(job, Job) and is_paused(job.waiting_for):
        return State(text="Paused", icon="pause", role="quiet")
    if is_stuck:
        return State(text="Stuck: no progress for 5 min", icon="warn", role="warn")
    if job.started_at is None:
        return State(text="Waiting", icon="wait", role="quiet")
    return State(text="Running", icon="run", role="accent")


def is_paused(waits: WaitingFor | None) -> bool:
    """Whether all hosts that a job waits for are left alone for now."""
    if waits is None or not waits.hosts or waits.more_hosts:
        return False
    return all(host.reason in _PAUSES for host in waits.hosts)


def wait_reason(reason: str | None) -> str | None:
    """Why a job waits for a host, in words; None if nothing limits the host."""
    return _WAITS[WaitReason(reason)] if reason in set(WaitReason) else None


def cause(name: str) -> str:
    """A cause of failure in words."""
    return _CAUSES.get(Cause(name), _plain(name)) if name in set(Cause) else _plain(name)


def flag(name: str) -> str:
    """A flag in words."""
    return _FLAGS.get(name, _plain(name))


def decision(name: str, *, of_pair: bool = False) -> str:
    """What a person decided, in words; of a pair, that neither photo is a copy."""
    return "Not a duplicate" if of_pair and name == "flag_wrong" else _DECISIONS.get(name, _plain(name))


def alt(photo: Result | FlaggedPhoto) -> str:
    """What a picture shows, for who does not see it: its store, its number and its flags."""
    flags = ", ".join(flag(name) for name in photo.flags)
    return f"{photo.store_id}, photo {photo.image_no}" + (f": {flags}" if flags else "")


def family(name: str) -> str:
    """The family of a flag: `reuse`, `place` or `picture`."""
    return next((family for family, names in _FAMILIES.items() if name in names), "picture")


FLAGS = tuple(str(one) for one in Flag)
"""All flags, in the order in which they are shown."""


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()


def count(number: int) -> str:
    """18,240; from ten million on 12.4 M."""
    return f"{number / _MILLION:.1f} M" if number >= 10 * _MILLION else f"{number:,}"


def share(part: float, whole: float) -> str:
    """0.6%; never a rounded 0 or 100."""
    if part == 0 or whole == 0:
        return "0%"
    percent = 100 * part / whole
    if percent < 0.1:
        return "<0.1%"
    if part < whole and percent >= 99.95:
        return ">99.9%"
    return f"{percent:.1f}%".replace(".0%", "%")


def rate(per_second: float) -> str:
    """38.8, or 812: images in a second."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def size(size_bytes: int) -> str:
    """4.1 GB, in powers of ten."""
    if size_bytes < 1_000:
        return f"{size_bytes} bytes"
    value = size_bytes / 1_000
    for unit in ("kB", "MB", "GB"):
        if value < 999.95:  # what would be rounded to 1000.0 is one of the next unit
            return f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """6 min 16 s: two units at most; never a rounded 0."""
    whole = round(seconds)
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if whole < _MINUTE:
        return f"{whole} s" if seconds >= 0.95 else f"{seconds:.1f} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    days, hours = divmod(whole // _HOUR, 24)
    return f"{days} day{'s' if days > 1 else ''} {hours} h"


def visit_time(text: str) -> str:
    """20 Nov 2026 10:12 UTC; as it was sent where that names no instant."""
    at = parse_visit_time(text)
    return text if at is None else f"{at.astimezone(UTC):%-d %b %Y %H:%M} UTC"


def capture_time(text: str | None) -> str | None:
    """20 Nov 2026 10:31 +05:30, or by the camera's clock, whose zone nobody knows; None if it is unknown."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = "by its clock" if at.tzinfo is None else at.isoformat(timespec="minutes")[16:]
    return f"{at:%-d %b %Y %H:%M} {zone}"


def distance(meters: float) -> str:
    """35 m, or 1.2 km."""
    return f"{meters:,.0f} m" if meters < 1_000 else f"{meters / 1_000:,.1f} km"


def when(at: datetime, now: datetime | None = None) -> str:
    """12 min ago, for a day; then 20 Nov 2026 10:12 UTC."""
    age = (now or datetime.now(UTC)) - at
    if timedelta() <= age < timedelta(days=1):
        seconds = age.total_seconds()
        if seconds < _MINUTE:
            return "just now"
        if seconds < _HOUR:
            return f"{seconds // _MINUTE:.0f} min ago"
        return f"{seconds // _HOUR:.0f} h ago"
    return f"{at.astimezone(UTC):%-d %b %Y %H:%M} UTC"
