"""How the service itself does: what it has done lately, and what waits."""

from litestar import get

from retailpulse import schema
from retailpulse.api.openapi.annotations import Tag, documented
from retailpulse.domain.images import Cause, Outcome
from retailpulse.service import Stats
from retailpulse.storage.metrics.throughput import SettledInPeriod


@get(
    "/api/v1/stats",
    operation_id="getStats",
    summary="What the service has done lately, and what waits",
    tags=[Tag.SERVICE],
    opt=documented(schema.Stats, meaning="The numbers, at most a second old."),
)
async def service_stats(stats: Stats) -> schema.Stats:
    """Tell throughput, queue depth, workers, and causes over the last hour and day."""
    known = await stats.read()
    return schema.Stats(
        images=schema.SettledLately(hour=_images(known.hour), day=_images(known.day)),
        causes=schema.CausesLately(hour=_causes(known.hour), day=_causes(known.day)),
        images_per_second=known.images_per_second,
        unsettled_images=known.unsettled_images,
        waiting_images=known.waiting_images,
        open_breakers=known.open_breakers,
        oldest_pending_seconds=known.oldest_pending_seconds,
        workers=known.workers,
        workers_wanted=known.workers_wanted,
        jobs=known.jobs,
    )


def _images(settled: list[SettledInPeriod]) -> schema.SettledImages:
    def count(outcome: Outcome) -> int:
        return sum(some.images for some in settled if some.outcome == outcome)

    return schema.SettledImages(
        measured=count(Outcome.MEASURED),
        failed=count(Outcome.FAILED),
        cancelled=count(Outcome.CANCELLED),
        bytes=sum(some.bytes for some in settled),
    )


def _causes(settled: list[SettledInPeriod]) -> dict[str, int]:
    counts = {Cause(some.cause): some.images for some in settled if some.cause is not None}
    return {str(cause): counts[cause] for cause in sorted(counts, key=counts.__getitem__, reverse=True)}
