"""What the answers about jobs look like, beside the summary that callbacks send too."""

from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.service import JobReport
from retailpulse.service.summaries import ImageCounts, JobSummary, count_images, summarize

__all__ = [
    "ImageCounts",
    "Job",
    "JobSummary",
    "StoreOfJob",
    "count_images",
    "describe",
    "summarize",
]


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


def describe(report: JobReport) -> Job:
    """A job with all that is known of it."""
    return Job(
        **msgspec.structs.asdict(summarize(report.job)),
        causes=report.causes,
        stores=msgspec.convert(report.stores, list[StoreOfJob], from_attributes=True),
        images_per_second=report.images_per_second,
        seconds_left=report.seconds_left,
    )
