"""The state of the service: what it has settled lately, and what waits."""

from typing import Annotated

from retailpulse.domain.jobs import JobStatus
from retailpulse.schema.record import Record, described


class SettledImages(Record, frozen=True, kw_only=True):
    """How many images ended how in some time."""

    measured: Annotated[int, described("Those that were measured.", example=123_456)]
    failed: Annotated[int, described("Those that could not be measured.", example=789)]
    cancelled: Annotated[int, described("Those of cancelled jobs.", example=0)]
    bytes: Annotated[int, described("Of the files that were read whole.", example=98_765_432_100)]


class SettledLately(Record, frozen=True, kw_only=True):
    """What was settled in the last hour and in the last day."""

    hour: SettledImages
    day: SettledImages


class CausesLately(Record, frozen=True, kw_only=True):
    """Why images were not measured in the last hour and in the last day, the most frequent cause first."""

    hour: Annotated[dict[str, int], described("In the last hour.", example={"http_status": 12})]
    day: Annotated[dict[str, int], described("In the last day.", example={"http_status": 789, "timeout": 3})]


class Stats(Record, frozen=True, kw_only=True):
    """What the service has done lately, and what waits."""

    images: Annotated[SettledLately, described("Images by how they ended, and the bytes read.")]
    causes: Annotated[CausesLately, described("Why images were not measured.")]
    images_per_second: Annotated[
        float, described("The rate over the last one to two minutes.", example=812.5)
    ]
    unsettled_images: Annotated[int, described("Images of all jobs that wait for a result.")]
    waiting_images: Annotated[int, described("Those of them that no worker has taken yet.")]
    open_breakers: Annotated[
        int, described("Photo hosts that are left alone, as they only failed within the last hour.")
    ]
    oldest_pending_seconds: Annotated[
        float | None,
        described("How long ago the oldest ongoing job was submitted or retried; null: none is."),
    ] = None
    workers: Annotated[int, described("How many workers are alive, on all machines.", example=2)]
    workers_wanted: Annotated[
        int,
        described(
            "How many would settle all that waits in the time that the service is to take, no more than the "
            "hosts can feed; 0: nothing waits.",
            example=3,
        ),
    ]
    jobs: Annotated[
        dict[JobStatus, int],
        described(
            "How many jobs there are in each state.",
            example={"ongoing": 1, "completed": 40, "failed": 2, "cancelled": 0},
        ),
    ]
