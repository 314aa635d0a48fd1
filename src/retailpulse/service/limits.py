"""The limits of the service, from the settings of several rooms."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of the service, from the settings of several rooms."""

    max_unsettled_images: int
    sandbox_missing: tuple[str, ...] = ()
    idempotency_hours: float
    stale_seconds: float
