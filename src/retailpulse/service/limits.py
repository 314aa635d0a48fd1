"""The limits of the service, from the settings of several rooms."""

from dataclasses import dataclass
from typing import Self

from retailpulse.config.settings import Settings
from retailpulse.domain.scaling import ScalingGoal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of the service, from the settings of several rooms."""

    max_unsettled_images: int
    sandbox_missing: tuple[str, ...] = ()
    idempotency_hours: float
    stale_seconds: float
    scaling: ScalingGoal

    @classmethod
    def of(cls, settings: Settings, sandbox_missing: tuple[str, ...] = ()) -> Self:
        """Those of all settings; `sandbox_missing` is what decoders on this machine lack."""
        return cls(
            max_unsettled_images=settings.api.max_unsettled_images,
            sandbox_missing=sandbox_missing,
            idempotency_hours=settings.retention.keys_hours,
            stale_seconds=settings.worker.stale_seconds,
            scaling=ScalingGoal(
                images_per_second=settings.scaling.images_per_second,
                backlog_seconds=settings.scaling.backlog_seconds,
                host_cap=settings.fetch.per_host,
            ),
        )
