"""Says what follows from a try of a callback: delivered, another try later, or none any more.

It has no clock and no database, so that days of it are tested in milliseconds.
"""

from dataclasses import dataclass

from retailpulse.config.settings import CallbackSettings
from retailpulse.domain.backoff import Backoff
from retailpulse.domain.callbacks import DeliveryState
from retailpulse.fetch import PostResult

GONE = 410
"""A receiver that answers this wants to be told no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryDecision:
    """The state of a delivery after a try, and the seconds to the next one if there is one."""

    state: DeliveryState
    wait_seconds: float | None = None


def decide(
    posted: PostResult, *, failures: int, pending_seconds: float, settings: CallbackSettings
) -> RetryDecision:
    """What follows from a try, after `failures` in vain within the `pending_seconds` up to its end.

    Waits are exponential, drawn from the upper half so that many receivers that failed at once are not asked
    at once again; one that names a time is not asked before it. A wait that would end too late is none.
    """
    if posted.status is not None and 200 <= posted.status < 300:
        return RetryDecision(state=DeliveryState.DELIVERED)
    left_seconds = settings.give_up_hours * 3_600 - pending_seconds
    if posted.is_final or posted.status == GONE or left_seconds <= 0:
        return RetryDecision(state=DeliveryState.GIVEN_UP)
    backoff = Backoff(
        first_seconds=settings.backoff_seconds,
        longest_seconds=settings.longest_backoff_seconds,
        jitter=(0.5, 1.0),
    )
    # A time that is named beyond the end is cut to it: one last try then.
    wait_seconds = max(backoff.draw_seconds(failures), min(posted.retry_after_seconds, left_seconds))
    if wait_seconds > left_seconds:
        return RetryDecision(state=DeliveryState.GIVEN_UP)
    return RetryDecision(state=DeliveryState.PENDING, wait_seconds=wait_seconds)
