import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.retries import MOST_EXCUSED, OWN_REFUSALS, Attempt

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


def test_a_try_that_only_ran_out_of_the_images_time_says_nothing_new() -> None:
    stalled, late = (
        TryFailed(Cause.STALLED, "stalled", again=True),
        TryFailed(Cause.TIMEOUT, "late", again=True),
    )
    tried = attempt(1)
    assert tried.classify(late, None).detail == "late"
    assert tried.classify(stalled, None).detail == "stalled"
    tried.wait(130.0)
    assert tried.classify(late, None).detail == "stalled"
    fresh = attempt(1, image_seconds=50.0)
    assert fresh.classify(late, stalled).detail == "stalled"
    assert fresh.classify(late, None).detail == "late"


def test_excused_tries_count_neither_as_tries_nor_for_the_pause() -> None:
    late = attempt(1)
    for _ in range(MOST_EXCUSED):
        late.discount()
        late.begin(60.0)
    assert 0.0 < (late.pause_after(BROKEN, SETTINGS) or 0.0) <= 0.5


def test_only_so_many_tries_are_excused() -> None:
    late = attempt(1)
    for _ in range(MOST_EXCUSED + SETTINGS.tries - 1):
        late.discount()
        late.begin(60.0)
    assert late.pause_after(BROKEN, SETTINGS) is None


def test_an_image_that_is_refused_again_and_again_beside_others_is_meant_itself() -> None:
    late = attempt(1)
    told = []
    for answers in range(1, OWN_REFUSALS + 3):
        late.refused(answers)
        told.append(late.is_refused_alone)
    assert told == [False] * OWN_REFUSALS + [True, True]


def test_an_image_is_not_meant_itself_by_a_host_that_answers_nobody() -> None:
    late = attempt(1)
    for _ in range(2 * OWN_REFUSALS):
        late.refused(answers=0)
    assert not late.is_refused_alone


def test_an_image_that_waits_in_vain_fails_as_it_failed_itself() -> None:
    others = TryFailed(Cause.STALLED, "stalled")
    fresh, tried = attempt(1), attempt(1)
    assert fresh.in_vain(others) is others
    tried.classify(BROKEN, None)
    assert (tried.in_vain(others).detail, tried.in_vain(others).again) == ("broken", False)


def test_a_try_that_never_had_its_turn_is_not_told() -> None:
    late = attempt(2)
    assert late.tries == 1
    late.has_begun = True
    assert late.tries == 2
