"""What follows from a try: told without a clock, so that a day of tries takes no time."""

import pytest

from retailpulse.config.settings import CallbackSettings
from retailpulse.domain.callbacks import DeliveryState
from retailpulse.fetch import PostResult
from retailpulse.worker.webhooks.retry_policy import RetryDecision, decide

SETTINGS = CallbackSettings()
DAY_SECONDS = 24 * 3_600
REFUSED = PostResult(error="connect: the host refused the connection or is unreachable")


def decision(posted: PostResult, failures: int = 0, pending_seconds: float = 0.0) -> RetryDecision:
    return decide(posted, failures=failures, pending_seconds=pending_seconds, settings=SETTINGS)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_delivered(status: int) -> None:
    assert decision(PostResult(status=status)) == RetryDecision(state=DeliveryState.DELIVERED)
    late = decision(PostResult(status=status), 99, 2 * DAY_SECONDS)
    assert late == RetryDecision(state=DeliveryState.DELIVERED)


@pytest.mark.parametrize("posted", [PostResult(status=410), PostResult(error="bad_url: no", is_final=True)])
def test_gone_and_refused_by_our_rules_is_final(posted: PostResult) -> None:
    assert decision(posted) == RetryDecision(state=DeliveryState.GIVEN_UP)


@pytest.mark.parametrize("status", [101, 301, 307, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504])
def test_any_other_status_is_tried_again(status: int) -> None:
    assert decision(PostResult(status=status)).state is DeliveryState.PENDING


@pytest.mark.parametrize(
    ("failures", "longest"), [(0, 2), (1, 4), (2, 8), (5, 64), (9, 1_024), (10, 1_800), (5_000, 1_800)]
)
def test_waits_double_up_to_half_an_hour_and_are_drawn_from_their_upper_half(
    failures: int, longest: float
) -> None:
    waits = [decision(REFUSED, failures).wait_seconds or 0.0 for _ in range(300)]
    assert longest / 2 <= min(waits) <= max(waits) <= longest
    assert max(waits) - min(waits) > longest / 4


def test_a_receiver_that_is_back_after_a_minute_is_told_within_another() -> None:
    passed, failures = 0.0, 0
    while passed < 60:
        passed += decision(REFUSED, failures, passed).wait_seconds or 0.0
        failures += 1
    assert passed < 130


def test_after_a_day_it_is_given_up_and_not_before() -> None:
    passed, failures = 0.0, 0
    while (after := decision(REFUSED, failures, passed)).wait_seconds is not None:
        passed += after.wait_seconds
        failures += 1
    assert after.state is DeliveryState.GIVEN_UP
    assert DAY_SECONDS - 1_800 <= passed <= DAY_SECONDS
    assert 50 < failures < 110


def test_a_time_that_a_receiver_names_is_kept_and_cut_to_the_last_moment() -> None:
    assert decision(PostResult(status=429, retry_after_seconds=5_000)).wait_seconds == 5_000
    assert decision(PostResult(status=503, retry_after_seconds=1e9), 3, 600).wait_seconds == DAY_SECONDS - 600
    soon = decision(PostResult(status=503, retry_after_seconds=1), 10).wait_seconds
    assert soon is not None
    assert soon >= 900
