"""What the service answers: the shared records of `schema`, and the progress of a job.

Fields that a newer service adds are passed over. Times are aware datetimes in UTC.
"""

from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import (
    Area,
    BadLine,
    CausesLately,
    Delivery,
    DeliveryTry,
    EarlierResult,
    FailedStore,
    Host,
    HostOfJob,
    HostRefusal,
    ImageCounts,
    Imported,
    Job,
    JobStore,
    JobSummary,
    Record,
    Result,
    SettledImages,
    SettledLately,
    Stats,
    Store,
    Visit,
    WaitingFor,
)

__all__ = [
    "Area",
    "BadLine",
    "CausesLately",
    "Delivery",
    "DeliveryTry",
    "EarlierResult",
    "FailedStore",
    "Host",
    "HostOfJob",
    "HostRefusal",
    "ImageCounts",
    "Imported",
    "Job",
    "JobStore",
    "JobSummary",
    "Progress",
    "Result",
    "SettledImages",
    "SettledLately",
    "Stats",
    "Store",
    "Visit",
    "WaitingFor",
]


class Progress(Record, frozen=True, kw_only=True):
    """The state of a job at this moment."""

    job_id: str
    status: JobStatus
    images: ImageCounts
    images_per_second: float | None = None
    seconds_left: float | None = None
