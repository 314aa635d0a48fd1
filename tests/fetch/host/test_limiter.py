"""How a host's answers change how it is asked; the clock is a number here."""

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status
from retailpulse.fetch.host.circuit_breaker import GIVEN_UP_AFTER, LONGEST_REST_SECONDS, OPENS_AFTER
from retailpulse.fetch.host.limiter import HostLimiter
from tests.fetch.limited_origin import LimitedOrigin, reset, so_many_a_second, so_many_at_once

DEAD = TryFailed(Cause.CONNECT, "no connection in time", again=True, unreached=True)
SILENT = TryFailed(Cause.STALLED, "stalled after 0 bytes", again=True)
REFUSED = of_status(429, 0)
RESET = TryFailed(Cause.CONNECT, "the connection broke", again=True, turned_away=True)


def fail(limiter: HostLimiter, times: int, failure: TryFailed = DEAD, *, now: float = 0.0) -> None:
    for _ in range(times):
        limiter.failed(failure, now, now)


def refuse(
    limiter: HostLimiter, times: int, *, began_at: float, now: float, failure: TryFailed = REFUSED
) -> None:
    for _ in range(times):
        limiter.refused(failure, began_at, now)


def test_a_wave_of_refusals_halves_the_slots_once() -> None:
    limiter = HostLimiter(16, 16)
    refuse(limiter, 9, began_at=0.0, now=1.0)
    assert limiter.cap == 8
    limiter.answered(1.1, 1.2)
    refuse(limiter, 9, began_at=1.5, now=2.0)
    assert limiter.cap == 4


def test_a_few_refusals_among_answers_change_nothing() -> None:
    limiter = HostLimiter(16, 16)
    for number in range(100):
        refuse(limiter, 1, began_at=number, now=number + 0.5)
        for _ in range(5):
            limiter.answered(number + 0.1, number + 0.5)
    assert limiter.is_plain


def test_each_round_of_answers_gives_a_slot_back_up_to_the_setting() -> None:
    limiter = HostLimiter(16, 16)
    refuse(limiter, 8, began_at=0.0, now=1.0)
    sizes = []
    for _ in range(1_000):
        assert not limiter.allows(16, 16, 1.9)
        limiter.answered(1.9, 2.0)
        sizes.append(limiter.cap)
    assert (sizes[0], sizes[-1]) == (8, 16)
    assert sizes.count(12) in (12, 13)  # a round of twelve
    assert sizes == sorted(sizes)


def test_a_failed_wave_halves_the_slots_too() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, 3)
    assert limiter.cap == 8


def test_a_host_whose_tries_fail_one_after_the_other_is_left_alone() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER - 1)
    assert limiter.allows(3, 16, 0.0)
    fail(limiter, 1)
    assert not limiter.allows(0, 16, 0.4)
    assert limiter.allows(0, 16, 1.0)
    assert not limiter.allows(1, 16, 1.0)  # one probe at a time


@pytest.mark.parametrize("other", [TryFailed(Cause.TLS, "", again=True), TryFailed(Cause.TRUNCATED, "")])
def test_failures_of_several_kinds_are_no_trouble(other: TryFailed) -> None:
    limiter = HostLimiter(16, 16)
    for _ in range(OPENS_AFTER):
        fail(limiter, OPENS_AFTER - 1)
        fail(limiter, 1, other)
    assert limiter.is_closed


def test_one_answer_ends_the_trouble() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER)
    limiter.answered(4.9, 5.0)
    assert (limiter.is_closed, limiter.failure, limiter.allows(0, 16, 5.0)) == (True, None, True)


def test_rests_grow_with_every_probe_that_fails_up_to_a_limit() -> None:
    limiter, now, rests = HostLimiter(16, 16), 0.0, []
    fail(limiter, OPENS_AFTER)
    for _ in range(8):
        rests.append(limiter.rest_until - now)
        now = limiter.rest_until
        limiter.failed(DEAD, now, now)
    assert rests[0] <= 1.0 < rests[4] <= LONGEST_REST_SECONDS
    assert max(rests) <= LONGEST_REST_SECONDS


def test_a_host_that_cannot_be_reached_is_given_up_after_some_probes() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER)
    fail(limiter, GIVEN_UP_AFTER - 1, now=1.0)
    assert not limiter.is_given_up(3.0)
    fail(limiter, 1, now=3.0)
    assert limiter.is_given_up(3.0)


def test_a_try_from_before_the_trouble_is_no_probe() -> None:
    limiter = HostLimiter(16, 16)
    for _ in range(OPENS_AFTER + 10):
        limiter.failed(DEAD, 0.0, 5.0)
    assert not limiter.is_given_up(3.0)


def test_requests_that_began_as_the_breaker_opened_are_no_probes() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER + GIVEN_UP_AFTER)  # the loop's clock shows the same for all
    assert not limiter.is_given_up(0.0)


def test_a_wave_of_resets_is_waited_for_once_and_no_longer_than_until_an_answer() -> None:
    limiter = HostLimiter(16, 16)
    limiter.answered(0.0, 1.0)
    for _ in range(15):
        limiter.failed(RESET, 0.9, 1.0)
    assert 1.0 < limiter.begins_at(0) <= 1.05
    limiter.answered(1.0, 1.01)
    assert limiter.begins_at(0) <= 1.01


def test_that_another_worker_asks_less_shows_no_answer_to_it() -> None:
    """Or two workers that ask in turn would never find out that a host refuses everything."""
    one, other = HostLimiter(16, 16), HostLimiter(16, 16)
    now = 0.0
    while one.is_closed and other.is_closed and now < 60.0:
        for limiter, follower in ((one, other), (other, one)):
            now += 1.0
            refuse(limiter, 1, began_at=now - 0.5, now=now)
            follower.adopt(limiter.limits(now), now)
    assert now <= 2 * OPENS_AFTER


def test_a_host_that_can_be_reached_is_never_given_up_for_urls_that_were_not_tried() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER, SILENT)
    fail(limiter, 10 * GIVEN_UP_AFTER, SILENT, now=50.0)
    assert (limiter.is_closed, limiter.is_given_up(50.0)) == (False, False)


def test_a_host_that_fails_at_once_rests_only_a_moment() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, OPENS_AFTER, TryFailed(Cause.CONNECT, "the connection broke", again=True))
    assert limiter.rest_until < 0.1
    limiter.failed(SILENT, 10.0, 20.0)
    limiter.failed(SILENT, 10.0, 20.0)
    assert not limiter.is_closed


def test_the_time_in_which_a_host_only_fails_is_counted_until_it_answers() -> None:
    limiter = HostLimiter(16, 16)
    fail(limiter, 1, now=10.0)
    fail(limiter, 1, now=12.0)
    assert limiter.failing_seconds(0.0, 15.0) == 5.0
    assert limiter.failing_seconds(13.0, 15.0) == 2.0
    limiter.answered(15.9, 16.0)
    assert limiter.failing_seconds(0.0, 90.0) == 0.0


def test_refusals_are_counted_so_only_where_there_is_nothing_else() -> None:
    limiter = HostLimiter(16, 16)
    for number in range(OPENS_AFTER - 1):
        limiter.refused(REFUSED, number, number)
    assert limiter.failing_seconds(0.0, 50.0) == 0.0
    limiter.refused(REFUSED, 50.0, 50.0)
    assert limiter.failing_seconds(0.0, 60.0) == 10.0


def test_retry_after_holds_a_host_that_is_asked_little_and_still_refuses() -> None:
    limiter = HostLimiter(1, 1)
    wait = of_status(429, 7)
    refuse(limiter, 3, began_at=0.0, now=1.0, failure=wait)
    assert limiter.allows(0, 16, 1.0)  # others may be fine
    refuse(limiter, 6, began_at=2.0, now=3.0, failure=wait)
    assert not limiter.allows(0, 16, 9.9)
    assert limiter.allows(0, 16, 10.0)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_host_that_serves_so_many_a_second_is_asked_hardly_more_often(workers: int) -> None:
    origin = LimitedOrigin(workers, so_many_a_second(5))
    origin.run(5.0)
    assert origin.refused < 100
    before = origin.refused, sum(origin.served)
    origin.run(60.0)
    refused, served = origin.refused - before[0], sum(origin.served) - before[1]
    assert refused / (refused + served) < 0.25
    assert served > 60 * 5 / 2


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_host_that_bears_two_connections_is_asked_by_hardly_more_at_once(workers: int) -> None:
    origin = LimitedOrigin(workers, so_many_at_once(2), refusal=reset)
    origin.run(10.0)
    before = origin.refused, sum(origin.served)
    origin.run(60.0)
    refused, served = origin.refused - before[0], sum(origin.served) - before[1]
    assert refused < 0.05 * served
    assert served > 0.7 * 60 * 2 / origin.latency
    assert origin.excused > 0.98 * origin.refused


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_slow_host_that_bears_two_connections_is_tried_with_more_only_now_and_then(workers: int) -> None:
    origin = LimitedOrigin(workers, so_many_at_once(2), latency=4.0, refusal=reset)
    origin.run(60.0)
    before = origin.refused, sum(origin.served)
    origin.run(400.0)
    refused, served = origin.refused - before[0], sum(origin.served) - before[1]
    assert refused < 0.35 * served
    assert served > 0.7 * 400 * 2 / origin.latency


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("latency", [0.7, 2.0, 4.0])
def test_a_slow_host_that_was_gone_for_a_moment_is_asked_as_before_soon(workers: int, latency: float) -> None:
    is_gone = False
    origin = LimitedOrigin(workers, lambda _: not is_gone, latency=latency, refusal=reset)
    origin.run(20.0)
    is_gone = True
    origin.run(3.0)
    is_gone = False
    origin.run(40.0 + 40 * latency)
    assert origin.in_flight >= 16


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("latency", [0.05, 2.0])
def test_a_slow_host_is_never_asked_by_more_than_it_is_given_at_first(workers: int, latency: float) -> None:
    origin = LimitedOrigin(workers, lambda _: True, latency=latency)
    origin.run(40.0)
    assert origin.most_at_once == 16


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_fast_host_is_asked_by_as_many_as_the_setting_allows(workers: int) -> None:
    origin = LimitedOrigin(workers, lambda _: True, latency=0.005)
    origin.run(20.0)
    assert origin.most_at_once == 64


@pytest.mark.parametrize("workers", [1, 4])
def test_a_host_that_becomes_slow_is_asked_as_at_first(workers: int) -> None:
    origin = LimitedOrigin(workers, lambda _: True, latency=0.005)
    origin.run(20.0)
    origin.latency = 0.2
    origin.run(20.0)
    assert origin.in_flight <= 16


@pytest.mark.parametrize("workers", [1, 4])
def test_a_steady_host_is_hardly_ever_written_of(workers: int) -> None:
    origin = LimitedOrigin(workers, lambda _: True, latency=0.1)
    origin.run(10.0)
    before = origin.writes
    origin.run(60.0)
    assert origin.writes - before <= 2


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_dead_host_is_probed_by_one_of_the_fleet_and_asked_as_before_once_it_answers(workers: int) -> None:
    is_dead = True
    origin = LimitedOrigin(workers, lambda _: not is_dead, refusal=lambda: DEAD)
    origin.run(30.0)
    before = origin.refused
    origin.run(60.0)
    assert 3 <= origin.refused - before <= 20
    is_dead = False
    origin.run(30.0)
    assert origin.in_flight >= 16
