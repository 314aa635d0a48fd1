"""Jobs as lists and callbacks show them in short, as they are answered whole, and their stores."""

from typing import Annotated

import msgspec

from retailpulse.domain.hosts import WaitReason
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import Instant
from retailpulse.schema.record import Record, described


class ImageCounts(Record, frozen=True, kw_only=True):
    """How many images a job has, and how many of them ended how; the last three add up to `settled`."""

    total: Annotated[int, described("Images of the job.", example=3)]
    settled: Annotated[int, described("Those with a result.", example=3)]
    measured: Annotated[int, described("Those that were measured.", example=2)]
    failed: Annotated[int, described("Those that could not be measured.", example=1)]
    cancelled: Annotated[int, described("Those without a result when the job was cancelled.", example=0)] = 0


class JobSummary(Record, frozen=True, kw_only=True):
    """A job as lists show it."""

    job_id: Annotated[str, described("The id of the job.", format="uuid")]
    name: Annotated[str | None, described("What the client calls it.", example="week 47")] = None
    status: Annotated[JobStatus, described("ongoing, completed, failed or cancelled.", example="failed")]
    depth: Annotated[str, described("How deep each image is looked at.", example="decode", words=Depth)]
    priority: Annotated[int, described("Jobs with a higher one go first.", minimum=-100, maximum=100)] = 0
    labels: Annotated[
        dict[str, str], described("The client's own names and values.", example={"region": "north"})
    ] = msgspec.field(default_factory=dict)
    callback_url: Annotated[
        str | None,
        described(
            "The receiver that is told when the job ends.", example="https://hooks.example/retailpulse"
        ),
    ] = None
    images: Annotated[ImageCounts, described("Counts of its images.")]
    flagged: Annotated[
        int, described("Measured photos that are flagged for anything.", example=1, minimum=0)
    ] = 0
    flags: Annotated[
        dict[str, int],
        described("How many are flagged, by flag, the most frequent first.", example={"blurred": 1}),
    ] = msgspec.field(default_factory=dict)
    retries: Annotated[int, described("How often its failures were tried again.", minimum=0)] = 0
    visits_without_time: Annotated[
        int, described("Visits whose `visit_time` names no instant: no range of dates finds them.", example=0)
    ] = 0
    submitted_at: Annotated[Instant, described("When it was accepted, UTC.")]
    started_at: Annotated[Instant | None, described("When the first images were taken up, UTC.")] = None
    finished_at: Annotated[
        Instant | None,
        described("When it ended, UTC; null while ongoing.", example="2026-11-20T10:00:09Z"),
    ] = None


class FailedStore(Record, frozen=True, kw_only=True):
    """A store with images in this job that failed or were cancelled."""

    store_id: Annotated[str, described("The id of the store.", example="RP00002")]
    images: Annotated[int, described("Images of the store in this job.", example=14)]
    failed: Annotated[int, described("Those that could not be measured.", example=2)]
    cancelled: Annotated[int, described("Those without a result when the job was cancelled.", example=0)] = 0
    error: Annotated[
        str,
        described(
            "For each kind of failure, and for a cancel, how many images it hit, and one example.",
            example="failed_to_download_image: 2 of 14 images, e.g. https://photos.example/c.jpg: HTTP 404",
        ),
    ]


class HostOfJob(Record, frozen=True, kw_only=True):
    """A host at which images of a job wait."""

    origin: Annotated[
        str,
        described(
            "The host; `(many hosts)` for all those with a few images each, `(quarantine)` for "
            "images that are tried alone.",
            example="https://photos.example:443",
        ),
    ]
    images: Annotated[int, described("Images of the job there without a result.", example=4_912)]
    reason: Annotated[
        str | None,
        described(
            "What limits the host now: `breaker` (it only failed lately), `rest` (it asked to be "
            "left alone), `pace` (requests a second), `cap` (requests at once); null: nothing of it.",
            example="cap",
            words=WaitReason,
        ),
    ] = None


class WaitingFor(Record, frozen=True, kw_only=True):
    """The hosts that a job waits for."""

    hosts: Annotated[list[HostOfJob], described("At most ten, those with the most images first.")]
    more_hosts: Annotated[int, described("How many further hosts it waits for.", example=0)]
    counted_all: Annotated[
        bool, described("False: there is more than the numbers say, they are the least.")
    ] = True


class Job(JobSummary, frozen=True, kw_only=True):
    """The whole state of a job."""

    causes: Annotated[
        dict[str, int], described("How many were not measured, by cause.", example={"http_status": 1})
    ]
    stores: Annotated[
        list[FailedStore], described("Stores with failed or cancelled images, in the order of the job.")
    ]
    images_per_second: Annotated[
        float | None, described("The mean rate since its start, or since its last retry.")
    ] = None
    seconds_left: Annotated[float | None, described("An estimate; null if it is not known.")] = None
    waiting_for: Annotated[
        WaitingFor | None, described("The hosts that it waits for; null once it has ended.")
    ] = None


class JobStore(Record, frozen=True, kw_only=True):
    """A store in a job: how many of its images are settled, and how they ended."""

    store_id: Annotated[str, described("As submitted.", example="RP00002")]
    images: Annotated[int, described("Images of the store in this job.", example=14)]
    settled: Annotated[int, described("Those with a result.", example=14)]
    measured: Annotated[int, described("Those that were measured.", example=12)]
    failed: Annotated[int, described("Those that could not be measured.", example=2)]
    cancelled: Annotated[int, described("Those without a result when the job was cancelled.")]
    causes: Annotated[
        dict[str, int], described("How many were not measured, by cause.", example={"http_status": 2})
    ]
