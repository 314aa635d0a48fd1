"""What the answers about jobs look like: the one place where a job becomes JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import JobReport
from retailpulse.storage.jobs import JobRow


class ImageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many images a job has, and how many of them ended how."""

    total: Annotated[int, Meta(description="Images of the job.", examples=[3])]
    settled: Annotated[int, Meta(description="Those with a result.", examples=[3])]
    measured: Annotated[int, Meta(description="Those that were measured.", examples=[2])]
    failed: Annotated[int, Meta(description="Those that could not be measured.", examples=[1])]
    cancelled: Annotated[int, Meta(description="Those without a result when the job was called off.")]


class StoreOfJob(msgspec.Struct, frozen=True, kw_only=True):
    """A store some of whose images failed."""

    store_id: Annotated[str, Meta(description="The id of the store.", examples=["RP00002"])]
    images: Annotated[int, Meta(description="Images of the store in this job.", examples=[14])]
    failed: Annotated[int, Meta(description="Those that have failed or were cancelled.", examples=[2])]
    error: Annotated[
        str,
        Meta(
            description="Per kind of failure how many images it hit, and one example.",
            examples=[
                "failed_to_download_image: 2 of 14 images, e.g. https://photos.example/c.jpg: HTTP 404"
            ],
        ),
    ]


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A job as lists show it."""

    job_id: Annotated[UUID, Meta(description="The id of the job.")]
    name: Annotated[str | None, Meta(description="What the client calls it.", examples=["week 47"])]
    status: Annotated[JobStatus, Meta(description="ongoing, completed, failed or cancelled.")]
    depth: Annotated[Depth, Meta(description="How deep each image is looked at.")]
    priority: Annotated[int, Meta(description="Jobs with a higher one go first.", ge=-100, le=100)]
    labels: Annotated[
        dict[str, str], Meta(description="The client's own names and values.", examples=[{"region": "north"}])
    ]
    callback_url: Annotated[str | None, Meta(description="Who is told when the job ends.")]
    images: Annotated[ImageCounts, Meta(description="Counts of its images.")]
    retries: Annotated[int, Meta(description="How often its failures were tried again.", ge=0)]
    submitted_at: Annotated[datetime, Meta(description="When it was accepted, UTC.")]
    started_at: Annotated[datetime | None, Meta(description="When the first images were taken up, UTC.")]
    finished_at: Annotated[datetime | None, Meta(description="When it ended, UTC; null while ongoing.")]


class Job(JobSummary, frozen=True, kw_only=True):
    """All about where a job stands."""

    causes: Annotated[
        dict[str, int],
        Meta(description="How many images failed, by cause.", examples=[{"http_status": 1}]),
    ]
    stores: Annotated[list[StoreOfJob], Meta(description="Stores with failures, in the order of the job.")]
    images_per_second: Annotated[
        float | None, Meta(description="The mean rate since its start, or since its last retry.")
    ]
    seconds_left: Annotated[float | None, Meta(description="An estimate; null where it is not known.")]


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submit."""

    job_id: Annotated[UUID, Meta(description="The id of the job, which is on disk and queued.")]


def count_images(job: JobRow) -> ImageCounts:
    """The counts of a job's images."""
    return ImageCounts(
        total=job.images,
        settled=job.settled,
        measured=job.measured,
        failed=job.failed,
        cancelled=job.cancelled,
    )


def summarize(job: JobRow) -> JobSummary:
    """A job as an item of a list."""
    return JobSummary(
        job_id=job.job_id,
        name=job.name,
        status=job.status,
        depth=job.depth,
        priority=job.priority,
        labels=job.labels,
        callback_url=job.callback_url,
        images=count_images(job),
        retries=job.retries,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def describe(report: JobReport) -> Job:
    """A job with all that is known of it."""
    return Job(
        **msgspec.structs.asdict(summarize(report.job)),
        causes=report.causes,
        stores=[
            StoreOfJob(store_id=store.store_id, images=store.images, failed=store.failed, error=store.error)
            for store in report.stores
        ],
        images_per_second=report.images_per_second,
        seconds_left=report.seconds_left,
    )
