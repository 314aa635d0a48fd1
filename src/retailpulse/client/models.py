"""What the service answers, as typed data. Fields that a newer service adds are passed over.

Times are aware datetimes in UTC.
"""

from datetime import datetime

import msgspec

from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the models of all answers."""

    def to_json(self) -> str:
        """The same as JSON."""
        return msgspec.json.encode(self).decode()


class ImageCounts(Model, frozen=True, kw_only=True):
    """How many images of a job there are, and how they stand; the last three add up to `settled`."""

    total: int
    settled: int
    measured: int
    failed: int
    cancelled: int = 0


class FailedStore(Model, frozen=True, kw_only=True):
    """A store of a job with failures, and what to say about them."""

    store_id: str
    images: int
    failed: int
    error: str


class JobSummary(Model, frozen=True, kw_only=True):
    """A job as lists show it."""

    job_id: str
    status: JobStatus
    depth: str
    images: ImageCounts
    submitted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    name: str | None = None
    priority: int = 0
    labels: dict[str, str] = {}
    callback_url: str | None = None
    retries: int = 0


class HostOfJob(Model, frozen=True, kw_only=True):
    """A host at which images of a job wait; `reason`: breaker, rest, pace, cap, or None."""

    origin: str
    images: int
    reason: str | None = None


class WaitingFor(Model, frozen=True, kw_only=True):
    """The ten hosts that a job waits for most, and how many more; the least if not `counted_all`."""

    hosts: list[HostOfJob]
    more_hosts: int
    counted_all: bool = True


class Job(JobSummary, frozen=True, kw_only=True):
    """The whole state of a job: `causes` of failures with their numbers, stores with failures, speed.

    `waiting_for` is None once it has ended.
    """

    causes: dict[str, int]
    stores: list[FailedStore]
    images_per_second: float | None = None
    seconds_left: float | None = None
    waiting_for: WaitingFor | None = None


class JobStore(Model, frozen=True, kw_only=True):
    """A store of a job: its images, how many of them failed, and why."""

    store_id: str
    images: int
    settled: int
    measured: int
    failed: int
    cancelled: int
    causes: dict[str, int]


class Progress(Model, frozen=True, kw_only=True):
    """The state of a job at this moment."""

    job_id: str
    status: JobStatus
    images: ImageCounts
    images_per_second: float | None = None
    seconds_left: float | None = None


class EarlierResult(Model, frozen=True, kw_only=True):
    """The result of an image from before a retry."""

    outcome: Outcome
    cause: str | None = None
    detail: str | None = None
    tries: int = 0
    settled_at: datetime | None = None


class Result(Model, frozen=True, kw_only=True):
    """The result of one image; `outcome` is None while it is not settled. Sizes are in pixels and bytes."""

    image_no: int
    store_id: str
    visit_time: str
    image_url: str
    outcome: Outcome | None = None
    cause: str | None = None
    detail: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    displayed_width: int | None = None
    displayed_height: int | None = None
    perimeter: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    suspect: str | None = None
    tries: int | None = None
    settled_at: datetime | None = None
    earlier: list[EarlierResult] | None = None


class Store(Model, frozen=True, kw_only=True):
    """A store of the store master."""

    store_id: str
    area_code: str
    store_name: str


class Area(Model, frozen=True, kw_only=True):
    """An area of the store master, and how many stores it has."""

    area_code: str
    stores: int


class Visit(Model, frozen=True, kw_only=True):
    """One visit of a job; `visited_at` is None if its time is no date, `perimeter` a sum over images."""

    job_id: str
    visit_no: int
    store_id: str
    visit_time: str
    area_code: str
    store_name: str
    images: int
    measured: int
    failed: int
    perimeter: int
    visited_at: datetime | None = None


class BadLine(Model, frozen=True, kw_only=True):
    """A line of a store file that cannot be loaded."""

    line: int
    error: str


class Imported(Model, frozen=True, kw_only=True):
    """What an import of stores did; `errors` are the first hundred bad lines, `rejected` counts all."""

    loaded: bool
    added: int
    changed: int
    unchanged: int
    rejected: int
    errors: list[BadLine]


class DeliveryTry(Model, frozen=True, kw_only=True):
    """One try to deliver a callback: the receiver's status, or why there was none."""

    at: datetime
    seconds: float
    status: int | None = None
    error: str | None = None


class Delivery(Model, frozen=True, kw_only=True):
    """A callback of a job: `state` is pending, delivered or given_up."""

    delivery_id: str
    event: str
    url: str
    state: str
    ended_at: datetime
    tries: list[DeliveryTry]
    next_try_at: datetime | None = None


class SettledImages(Model, frozen=True, kw_only=True):
    """How many images ended how in some time, and the bytes of the files that were read whole."""

    measured: int
    failed: int
    cancelled: int
    bytes: int


class SettledLately(Model, frozen=True, kw_only=True):
    """What was settled in the last hour and day."""

    hour: SettledImages
    day: SettledImages


class CausesLately(Model, frozen=True, kw_only=True):
    """Why images were not measured in the last hour and day, the most frequent cause first."""

    hour: dict[str, int]
    day: dict[str, int]


class Stats(Model, frozen=True, kw_only=True):
    """What the service is doing: what it settled lately, what waits, its workers; its jobs by status."""

    images: SettledLately
    causes: CausesLately
    images_per_second: float
    unsettled_images: int
    waiting_images: int
    open_breakers: int
    workers: int
    jobs: dict[JobStatus, int]
    oldest_pending_seconds: float | None = None


class HostRefusal(Model, frozen=True, kw_only=True):
    """The last time that a host refused a request, or failed."""

    cause: str
    detail: str
    at: datetime


class Host(Model, frozen=True, kw_only=True):
    """A photo host: what waits and what is in work there, and what limits it.

    `cap` is the most requests at once, None for many hosts together; of it workers hold `leased`. `waiting`
    and `waiting_jobs` are the least if not `counted_all`. `breaker` is closed, open or half_open.
    """

    origin: str
    cap: int | None
    in_flight: int
    leased: int
    waiting: int
    waiting_jobs: int
    taken: int
    breaker: str
    counted_all: bool = True
    latency_seconds: float | None = None
    rate_per_second: float | None = None
    rest_seconds: float = 0.0
    failed_probes: int = 0
    last_refusal: HostRefusal | None = None
