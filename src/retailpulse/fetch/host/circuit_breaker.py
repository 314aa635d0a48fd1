"""The circuit breaker of a host that only fails: left alone, then probed by one request after a growing rest.

    closed     asked as usual; several failures of one kind in a row, with no answer between them, open it
    open       no request until the rest is over
    half_open  one request, the probe, is on its way: an answer closes it, a failure opens it for longer

No clock and no queue: times come from the caller, in seconds.
"""

from retailpulse.domain.backoff import Backoff
from retailpulse.domain.hosts import BreakerState, HostLimits
from retailpulse.fetch.failures import TryFailed

OPENS_AFTER = 10
"""Failures of one kind in a row, without an answer between them, that open it."""
GIVEN_UP_AFTER = 2
"""Probes in a row after which a host that cannot be reached fails all images that wait for it."""
LONGEST_REST_SECONDS = 10.0
LONGEST_REFUSED_REST_SECONDS = 2.0
REST_PER_WORK = 8.0
"""A host that can be reached rests this many times as long as its failure took: a host that fails at once
holds no slot from others, and may as well fail each image by its own try."""
SHORTEST_REST_SECONDS = 0.05
_PROBES = Backoff(first_seconds=1.0, longest_seconds=LONGEST_REST_SECONDS, jitter=(0.5, 1.0))
_CLOSED = BreakerState.CLOSED


class CircuitBreaker:
    """The failures of one host since its last answer."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self.state = BreakerState.CLOSED
        self.failure: TryFailed | None = None  # the last one, if all since the last answer failed
        self.failed_probes = 0
        self.failing_since: float | None = None
        self.in_a_row = 0
        self._opened_at = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether the host is asked as usual."""
        return self.state is _CLOSED

    def is_given_up(self, now: float) -> bool:
        """Whether images need not wait for the next probe.

        The host cannot be reached at all, or has failed for longer than an image may take.
        """
        if self.failure is None or not self.failed_probes:
            return False
        if self.failure.unreached and self.failed_probes >= GIVEN_UP_AFTER:
            return True
        return self.failing_since is not None and now - self.failing_since > self._deadline_seconds

    def failing_seconds(self, since: float, now: float) -> float:
        """How much of the time since then the host has only failed; refusals count once it is open."""
        return 0.0 if self.failing_since is None else max(0.0, now - max(since, self.failing_since))

    def failed(self, failure: TryFailed, began_at: float, now: float) -> float:
        """Count a failure; how many seconds the host rests for it, 0 if it is asked on."""
        same = self.failure is not None and self.failure.cause is failure.cause
        self.in_a_row = self.in_a_row + 1 if same else 1
        self.failure = failure.bare()
        if self.failing_since is None and not (self.is_closed and failure.refused):
            self.failing_since = now
        if not self.is_closed:
            self.failed_probes += began_at > self._opened_at  # a loop's clock has ticks
        elif self.in_a_row < OPENS_AFTER:
            return 0.0
        else:
            self._opened_at = now
        self.state = BreakerState.OPEN
        if self.failing_since is None:
            self.failing_since = now
        return _PROBES.spread(self._rest_seconds(failure, now - began_at))

    def probed(self) -> bool:
        """A request begins; whether it is the first probe after a rest."""
        if self.state is not BreakerState.OPEN:
            return False
        self.state = BreakerState.HALF_OPEN
        return True

    def answered(self) -> bool:
        """The host answered, here or to another worker; whether that closed it."""
        was_closed = self.is_closed
        self.state = BreakerState.CLOSED
        self.failing_since = self.failure = None
        self.in_a_row = self.failed_probes = 0
        return not was_closed

    def adopt(self, limits: HostLimits, failure: TryFailed, failing_since: float, now: float) -> None:
        """Take over the failures that another worker has seen."""
        if self.is_closed and limits.breaker is not BreakerState.CLOSED:
            self._opened_at = now  # what began before is no probe
        self.state, self.failed_probes = limits.breaker, limits.failed_probes
        self.failure, self.failing_since = failure, failing_since

    def _rest_seconds(self, failure: TryFailed, took_seconds: float) -> float:
        growing = _PROBES.bound_seconds(self.failed_probes)
        if failure.unreached:
            return growing
        if failure.refused:
            return min(growing, LONGEST_REFUSED_REST_SECONDS)
        return min(max(took_seconds * REST_PER_WORK, SHORTEST_REST_SECONDS), LONGEST_REST_SECONDS)
