"""A job in short, as lists and callbacks show it: only here a row of a job becomes JSON."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import Instant
from retailpulse.storage.jobs.read import JobRow


class ImageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many images a job has, and how many of them ended how."""

    total: Annotated[int, Meta(description="Images of the job.", examples=[3])]
    settled: Annotated[int, Meta(description="Those with a result.", examples=[3])]
    measured: Annotated[int, Meta(description="Those that were measured.", examples=[2])]
    failed: Annotated[int, Meta(description="Those that could not be measured.", examples=[1])]
    cancelled: Annotated[
        int, Meta(description="Those without a result when the job was cancelled.", examples=[0])
    ]


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A job as lists show it."""

    job_id: Annotated[UUID, Meta(description="The id of the job.")]
    name: Annotated[str | None, Meta(description="What the client calls it.", examples=["week 47"])]
    status: Annotated[
        JobStatus, Meta(description="ongoing, completed, failed or cancelled.", examples=["failed"])
    ]
    depth: Annotated[Depth, Meta(description="How deep each image is looked at.", examples=["decode"])]
    priority: Annotated[int, Meta(description="Jobs with a higher one go first.", ge=-100, le=100)]
    labels: Annotated[
        dict[str, str], Meta(description="The client's own names and values.", examples=[{"region": "north"}])
    ]
    callback_url: Annotated[
        str | None,
        Meta(
            description="The receiver that is told when the job ends.",
            examples=["https://hooks.example/retailpulse"],
        ),
    ]
    images: Annotated[ImageCounts, Meta(description="Counts of its images.")]
    retries: Annotated[int, Meta(description="How often its failures were tried again.", ge=0)]
    submitted_at: Annotated[Instant, Meta(description="When it was accepted, UTC.")]
    started_at: Annotated[Instant | None, Meta(description="When the first images were taken up, UTC.")]
    finished_at: Annotated[
        Instant | None,
        Meta(description="When it ended, UTC; null while ongoing.", examples=["2026-11-20T10:00:09Z"]),
    ]


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
