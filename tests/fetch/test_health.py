"""How a host's answers change how it is asked; the clock is a number here."""

from collections import deque

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status
from retailpulse.fetch.health import GIVEN_UP_AFTER, LONGEST_REST_SECONDS, TROUBLED_AFTER, Health

DEAD = TryFailed(Cause.CONNECT, "no connection in time", again=True, unreached=True)
SILENT = TryFailed(Cause.STALLED, "stalled after 0 bytes", again=True)
REFUSED = of_status(429, 0)


def fail(health: Health, times: int, failure: TryFailed = DEAD, *, now: float = 0.0) -> None:
    for _ in range(times):
        health.failed(failure, now, now)


def refuse(health: Health, times: int, *, began_at: float, now: float, failure: TryFailed = REFUSED) -> None:
    for _ in range(times):
        health.refused(failure, began_at, now)


def test_a_wave_of_refusals_halves_the_slots_once() -> None:
    health = Health(16)
    refuse(health, 16, began_at=0.0, now=1.0)
    assert health.capacity == 8
    health.answered(1.2)
    refuse(health, 16, began_at=1.5, now=2.0)
    assert health.capacity == 4


def test_a_few_refusals_among_answers_change_nothing() -> None:
    health = Health(16)
    for number in range(100):
        refuse(health, 1, began_at=number, now=number + 0.5)
        for _ in range(5):
            health.answered(number + 0.5)
    assert health.is_plain


def test_each_round_of_answers_gives_a_slot_back_up_to_the_setting() -> None:
    health = Health(16)
    refuse(health, 16, began_at=0.0, now=1.0)
    sizes = []
    for _ in range(200):
        health.answered(2.0)
        sizes.append(health.capacity)
    assert (sizes[0], sizes[-1]) == (8, 16)
    assert sizes.count(12) == 12  # a round of twelve
    assert sizes == sorted(sizes)


def test_a_failed_wave_halves_the_slots_too() -> None:
    health = Health(16)
    fail(health, 3)
    assert health.capacity == 8


def test_a_host_whose_tries_fail_one_after_the_other_is_left_alone() -> None:
    health = Health(16)
    fail(health, TROUBLED_AFTER - 1)
    assert health.allows(7, 0.0)
    fail(health, 1)
    assert not health.allows(0, 0.4)
    assert health.allows(0, 1.0)
    assert not health.allows(1, 1.0)  # one probe at a time


@pytest.mark.parametrize("other", [TryFailed(Cause.TLS, "", again=True), TryFailed(Cause.TRUNCATED, "")])
def test_failures_of_several_kinds_are_no_trouble(other: TryFailed) -> None:
    health = Health(16)
    for _ in range(TROUBLED_AFTER):
        fail(health, TROUBLED_AFTER - 1)
        fail(health, 1, other)
    assert not health.is_troubled


def test_one_answer_ends_the_trouble() -> None:
    health = Health(16)
    fail(health, TROUBLED_AFTER)
    health.answered(5.0)
    assert (health.is_troubled, health.failure, health.allows(0, 5.0)) == (False, None, True)


def test_rests_grow_with_every_probe_that_fails_up_to_a_limit() -> None:
    health, now, rests = Health(16), 0.0, []
    fail(health, TROUBLED_AFTER)
    for _ in range(8):
        rests.append(health.rest_until - now)
        now = health.rest_until
        health.failed(DEAD, now, now)
    assert rests[0] <= 1.0 < rests[4] <= LONGEST_REST_SECONDS
    assert max(rests) <= LONGEST_REST_SECONDS


def test_a_host_that_cannot_be_reached_is_given_up_after_some_probes() -> None:
    health = Health(16)
    fail(health, TROUBLED_AFTER)
    fail(health, GIVEN_UP_AFTER - 1, now=1.0)
    assert not health.is_given_up
    fail(health, 1, now=3.0)
    assert health.is_given_up


def test_a_try_from_before_the_trouble_is_no_probe() -> None:
    health = Health(16)
    for _ in range(TROUBLED_AFTER + 10):
        health.failed(DEAD, 0.0, 5.0)
    assert not health.is_given_up


def test_a_host_that_can_be_reached_is_never_given_up_for_urls_that_were_not_tried() -> None:
    health = Health(16)
    fail(health, TROUBLED_AFTER, SILENT)
    fail(health, 10 * GIVEN_UP_AFTER, SILENT, now=50.0)
    assert (health.is_troubled, health.is_given_up) == (True, False)


def test_a_host_that_fails_at_once_rests_only_a_moment() -> None:
    health = Health(16)
    fail(health, TROUBLED_AFTER, TryFailed(Cause.CONNECT, "the connection broke", again=True))
    assert health.rest_until < 0.1
    health.failed(SILENT, 10.0, 20.0)
    health.failed(SILENT, 10.0, 20.0)
    assert health.is_troubled


def test_the_time_in_which_a_host_only_fails_is_counted_until_it_answers() -> None:
    health = Health(16)
    fail(health, 1, now=10.0)
    fail(health, 1, now=12.0)
    assert health.failing_seconds(0.0, 15.0) == 5.0
    assert health.failing_seconds(13.0, 15.0) == 2.0
    health.answered(16.0)
    assert health.failing_seconds(0.0, 90.0) == 0.0


def test_refusals_are_counted_so_only_where_there_is_nothing_else() -> None:
    health = Health(16)
    for number in range(TROUBLED_AFTER - 1):
        health.refused(REFUSED, number, number)
    assert health.failing_seconds(0.0, 50.0) == 0.0
    health.refused(REFUSED, 50.0, 50.0)
    assert health.failing_seconds(0.0, 60.0) == 10.0


def test_retry_after_holds_a_host_that_is_asked_little_and_still_refuses() -> None:
    health = Health(4)
    wait = of_status(429, 7)
    refuse(health, 3, began_at=0.0, now=1.0, failure=wait)
    assert health.allows(0, 1.0)  # others may be fine
    refuse(health, 6, began_at=2.0, now=3.0, failure=wait)
    assert not health.allows(0, 9.9)
    assert health.allows(0, 10.0)


class Limiter:
    """A host that serves so many a second, counted in a sliding window; every answer takes 20 ms."""

    def __init__(self, per_second: int, askers: list[Health]) -> None:
        self._per_second = per_second
        self._running: list[list[float]] = [[] for _ in askers]
        self._askers = askers
        self._served_at: deque[float] = deque()
        self.now = 0.0
        self.served = [0] * len(askers)
        self.refused = 0

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.001
            for number, health in enumerate(self._askers):
                self._step(number, health, self._running[number])

    def _step(self, number: int, health: Health, running: list[float]) -> None:
        while running and running[0] <= self.now - 0.02:
            self._end(number, health, running.pop(0))
        while health.allows(len(running), self.now):
            health.begin(len(running), self.now)
            running.append(self.now)

    def _end(self, number: int, health: Health, began_at: float) -> None:
        while self._served_at and self._served_at[0] < self.now - 1.0:
            self._served_at.popleft()
        if len(self._served_at) < self._per_second:
            self._served_at.append(self.now)
            self.served[number] += 1
            health.answered(self.now)
        else:
            self.refused += 1
            health.refused(of_status(429, 1), began_at, self.now)


@pytest.mark.parametrize("askers", [1, 2, 4])
def test_a_host_that_serves_so_many_a_second_is_asked_hardly_more_often(askers: int) -> None:
    limiter = Limiter(5, [Health(16 // askers) for _ in range(askers)])
    limiter.run(5.0)
    assert limiter.refused < 60
    before = limiter.refused, sum(limiter.served)
    limiter.run(60.0)
    refused, served = limiter.refused - before[0], sum(limiter.served) - before[1]
    assert refused / (refused + served) < 0.25
    assert served > 60 * 5 / 2


def test_processes_that_share_the_limit_of_a_host_come_to_equal_shares_of_it() -> None:
    early, late = Health(8), Health(8)
    limiter = Limiter(20, [early])
    limiter.run(30.0)
    both = Limiter(20, [early, late])
    both.now = limiter.now
    both.run(120.0)
    first, second = both.served
    both.run(60.0)
    shares = sorted((both.served[0] - first, both.served[1] - second))
    assert shares[0] > 0.3 * sum(shares)
