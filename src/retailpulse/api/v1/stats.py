"""How the service itself does: what it has done lately, and what waits."""

from typing import Annotated

import msgspec
from litestar import get
from msgspec import Meta

from retailpulse.api.openapi.annotations import Tag, documented
from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import Stats
from retailpulse.storage.metrics.throughput import SettledInPeriod


class SettledImages(msgspec.Struct, frozen=True, kw_only=True):
    """How many images ended how in some time."""

    measured: Annotated[int, Meta(description="Those that were measured.", examples=[123_456])]
    failed: Annotated[int, Meta(description="Those that could not be measured.", examples=[789])]
    cancelled: Annotated[int, Meta(description="Those of cancelled jobs.", examples=[0])]
    bytes: Annotated[int, Meta(description="Of the files that were read whole.", examples=[98_765_432_100])]


class SettledLately(msgspec.Struct, frozen=True, kw_only=True):
    """What was settled in the last hour and in the last day."""

    hour: SettledImages
    day: SettledImages


class CausesLately(msgspec.Struct, frozen=True, kw_only=True):
    """Why images were not measured in the last hour and in the last day, the most frequent cause first."""

    hour: Annotated[dict[str, int], Meta(examples=[{"http_status": 12}])]
    day: Annotated[dict[str, int], Meta(examples=[{"http_status": 789, "timeout": 3}])]


class ServiceStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the service has done lately, and what waits."""

    images: Annotated[SettledLately, Meta(description="Images by how they ended, and the bytes read.")]
    causes: Annotated[CausesLately, Meta(description="Why images were not measured.")]
    images_per_second: Annotated[
        float, Meta(description="The rate over the last one to two minutes.", examples=[812.5])
    ]
    unsettled_images: Annotated[int, Meta(description="Images of all jobs that wait for a result.")]
    waiting_images: Annotated[int, Meta(description="Those of them that no worker has taken yet.")]
    open_breakers: Annotated[
        int, Meta(description="Photo hosts that are left alone, as they only failed within the last hour.")
    ]
    oldest_pending_seconds: Annotated[
        float | None,
        Meta(description="How long ago the oldest ongoing job was submitted or retried; null: none is."),
    ]
    workers: Annotated[int, Meta(description="How many workers are alive, on all machines.", examples=[2])]
    jobs: Annotated[
        dict[JobStatus, int],
        Meta(
            description="How many jobs there are in each state.",
            examples=[{"ongoing": 1, "completed": 40, "failed": 2, "cancelled": 0}],
        ),
    ]


@get(
    "/api/v1/stats",
    operation_id="getStats",
    summary="What the service has done lately, and what waits",
    tags=[Tag.SERVICE],
    opt=documented(ServiceStats, meaning="The numbers, at most a second old."),
)
async def service_stats(stats: Stats) -> ServiceStats:
    """Tell throughput, queue depth, workers, and causes over the last hour and day."""
    known = await stats.read()
    return ServiceStats(
        images=SettledLately(hour=_images(known.hour), day=_images(known.day)),
        causes=CausesLately(hour=_causes(known.hour), day=_causes(known.day)),
        images_per_second=known.images_per_second,
        unsettled_images=known.unsettled_images,
        waiting_images=known.waiting_images,
        open_breakers=known.open_breakers,
        oldest_pending_seconds=known.oldest_pending_seconds,
        workers=known.workers,
        jobs=known.jobs,
    )


def _images(settled: list[SettledInPeriod]) -> SettledImages:
    def count(outcome: Outcome) -> int:
        return sum(some.images for some in settled if some.outcome == outcome)

    return SettledImages(
        measured=count(Outcome.MEASURED),
        failed=count(Outcome.FAILED),
        cancelled=count(Outcome.CANCELLED),
        bytes=sum(some.bytes for some in settled),
    )


def _causes(settled: list[SettledInPeriod]) -> dict[str, int]:
    counts = {Cause(some.cause): some.images for some in settled if some.cause is not None}
    return {str(cause): counts[cause] for cause in sorted(counts, key=counts.__getitem__, reverse=True)}
