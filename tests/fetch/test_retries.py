import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.retries import Attempt

SETTINGS = FetchSettings(tries=4, backoff_seconds=0.5)
BROKEN = TryFailed(Cause.CONNECT, "broken", again=True)


def attempt(number: int, *, image_seconds: float = 180.0) -> Attempt:
    made = Attempt(image_seconds)
    for _ in range(number):
        made.begin(60.0)
    return made


@pytest.mark.parametrize(("number", "longest_seconds"), [(1, 0.5), (2, 1.0), (3, 2.0)])
def test_pauses_are_drawn_from_a_range_that_doubles(number: int, longest_seconds: float) -> None:
    pauses = [attempt(number).pause_after(BROKEN, SETTINGS) or 0.0 for _ in range(300)]
    assert max(pauses) <= longest_seconds
    assert max(pauses) > longest_seconds * 0.8
    assert min(pauses) < longest_seconds * 0.2


def test_there_is_no_pause_after_the_last_try_or_a_final_failure() -> None:
    assert attempt(4).pause_after(BROKEN, SETTINGS) is None
    assert attempt(1).pause_after(TryFailed(Cause.TOO_LARGE, "large"), SETTINGS) is None


def test_a_host_is_not_asked_before_the_time_it_named() -> None:
    busy = TryFailed(Cause.HTTP_STATUS, "HTTP 429", again=True, not_before_seconds=30.0)
    assert attempt(1).pause_after(busy, SETTINGS) == 30.0
    assert attempt(1, image_seconds=29.0).pause_after(busy, SETTINGS) is None


def test_a_try_may_not_outlast_the_image() -> None:
    late = attempt(1)
    late.spend(50.0)
    assert late.try_seconds == 10.0
    late.spend(100.0)
    late.begin(60.0)
    assert late.try_seconds == 30.0


def test_only_a_name_that_failed_is_resolved_past_the_cache() -> None:
    tried = attempt(1)
    tried.pause_after(TryFailed(Cause.DNS, "unknown", again=True), SETTINGS)
    assert tried.fresh_name
    tried.pause_after(BROKEN, SETTINGS)
    assert not tried.fresh_name
