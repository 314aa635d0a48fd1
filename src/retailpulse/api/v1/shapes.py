"""What the answers about jobs look like, beside the summary that callbacks send too."""

from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.service import JobReport
from retailpulse.service.hosts import WaitReason
from retailpulse.service.job_summary import ImageCounts, JobSummary, count_images, summarize

__all__ = [
    "HostOfJob",
    "ImageCounts",
    "Job",
    "JobSummary",
    "StoreOfJob",
    "WaitingFor",
    "count_images",
    "describe",
    "summarize",
]


class StoreOfJob(msgspec.Struct, frozen=True, kw_only=True):
    """A store with failed images in this job."""

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


class HostOfJob(msgspec.Struct, frozen=True, kw_only=True):
    """A host at which images of a job wait."""

    origin: Annotated[
        str,
        Meta(
            description="The host; `(many hosts)` for all those with a few images each, `(quarantine)` for "
            "images that are tried alone.",
            examples=["https://photos.example:443"],
        ),
    ]
    images: Annotated[int, Meta(description="Images of the job there without a result.", examples=[4_912])]
    reason: Annotated[
        WaitReason | None,
        Meta(
            description="What limits the host now: `breaker` (it only failed lately), `rest` (it asked to be "
            "left alone), `pace` (requests a second), `cap` (requests at once); null: nothing of it.",
            examples=["cap"],
        ),
    ]


class WaitingFor(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts that a job waits for."""

    hosts: Annotated[list[HostOfJob], Meta(description="At most ten, those with the most images first.")]
    more_hosts: Annotated[int, Meta(description="How many further hosts it waits for.", examples=[0])]
    counted_all: Annotated[
        bool, Meta(description="False: there is more than the numbers say, they are the least.")
    ]


class Job(JobSummary, frozen=True, kw_only=True):
    """The whole state of a job."""

    causes: Annotated[
        dict[str, int],
        Meta(description="How many images failed, by cause.", examples=[{"http_status": 1}]),
    ]
    stores: Annotated[list[StoreOfJob], Meta(description="Stores with failures, in the order of the job.")]
    images_per_second: Annotated[
        float | None, Meta(description="The mean rate since its start, or since its last retry.")
    ]
    seconds_left: Annotated[float | None, Meta(description="An estimate; null if it is not known.")]
    waiting_for: Annotated[
        WaitingFor | None, Meta(description="The hosts that it waits for; null once it has ended.")
    ]


def describe(report: JobReport) -> Job:
    """The API's shape of a job report."""
    return Job(
        **msgspec.structs.asdict(summarize(report.job)),
        causes=report.causes,
        stores=msgspec.convert(report.stores, list[StoreOfJob], from_attributes=True),
        images_per_second=report.images_per_second,
        seconds_left=report.seconds_left,
        waiting_for=None
        if report.waiting_for is None
        else msgspec.convert(report.waiting_for, WaitingFor, from_attributes=True),
    )
