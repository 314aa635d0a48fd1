"""What the service answers, as typed data. Fields that a newer service adds are passed over."""

import msgspec

from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submit."""

    job_id: str


class ImageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many images of a job there are, and how they stand."""

    total: int
    settled: int
    measured: int
    failed: int
    cancelled: int = 0


class FailedStore(msgspec.Struct, frozen=True, kw_only=True):
    """A store of a job with failures, and what to say about them."""

    store_id: str
    images: int
    failed: int
    error: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands; times are RFC 3339."""

    job_id: str
    status: JobStatus
    depth: str
    images: ImageCounts
    causes: dict[str, int]
    stores: list[FailedStore]
    submitted_at: str
    finished_at: str | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one image; `outcome` is None while it is not settled."""

    image_no: int
    store_id: str
    image_url: str
    outcome: Outcome | None = None
    cause: str | None = None
    detail: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    perimeter: int | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a job, and the path of those after them."""

    items: list[Row]
    next: str | None = None


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a store file that cannot be loaded."""

    line: int
    error: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import of stores did."""

    loaded: bool
    added: int
    changed: int
    unchanged: int
    rejected: int
    errors: list[BadLine]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused: as problem details, or as the three old endpoints say it."""

    detail: str = ""
    error: str = ""
