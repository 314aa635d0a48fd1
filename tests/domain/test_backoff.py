"""Waits double up to a bound, and jitter spreads them over the whole of its range and no further."""

import pytest

from retailpulse.domain.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(first_seconds=0.25, longest_seconds=5.0)
    assert [backoff.draw_seconds(failures) for failures in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_first_wait_beyond_the_longest_is_cut_to_it() -> None:
    assert Backoff(first_seconds=60.0, longest_seconds=5.0).draw_seconds(0) == 5.0


def test_any_number_of_failures_gives_a_wait() -> None:
    assert Backoff(first_seconds=1.0, longest_seconds=10.0).draw_seconds(1_000_000) == 10.0
    assert Backoff(first_seconds=1.0).bound_seconds(1_000_000) == 2.0**60


@pytest.mark.parametrize("jitter", [(0.0, 1.0), (0.5, 1.0), (0.75, 1.25)])
def test_jitter_spreads_waits_over_all_of_its_range(jitter: tuple[float, float]) -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=4.0, jitter=jitter)
    least, most = (share * 4.0 for share in jitter)
    drawn = [backoff.draw_seconds(5) for _ in range(1000)]
    tenth = (most - least) / 10
    assert least <= min(drawn) < least + tenth
    assert most - tenth < max(drawn) <= most


def test_a_wait_that_others_decide_is_spread_alike() -> None:
    drawn = [Backoff(first_seconds=1.0, jitter=(0.5, 1.0)).spread(20.0) for _ in range(1000)]
    assert 10.0 <= min(drawn) < 10.5
    assert 19.5 < max(drawn) <= 20.0
    assert Backoff(first_seconds=1.0).spread(20.0) == 20.0
