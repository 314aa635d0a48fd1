"""What the bench says of a figure: its ratios, and whether its target is kept."""

import math

import pytest
from bench.figures import Figure, Target, at_least, at_most
from bench.timed_client import p99


def compared(runs: list[float], limits: list[float], target: Target | None) -> Figure:
    return Figure(case="case", about="figure", runs=runs, limits=limits, limit_name="limit", target=target)


def test_each_run_is_compared_with_the_limit_beside_it() -> None:
    figure = compared([10.0, 30.0, 20.0], [100.0, 50.0, 40.0], None)
    assert figure.ratios == [0.1, 0.6, 0.5]
    assert figure.judged == 0.5  # not the ratio of the medians, which is 0.4


@pytest.mark.parametrize(
    ("target", "is_kept"),
    [(at_least(0.5), True), (at_least(0.51), False), (at_most(0.5), True), (None, None)],
)
def test_a_target_is_one_of_the_ratio_where_there_is_a_limit(
    target: Target | None, is_kept: bool | None
) -> None:
    assert compared([5.0], [10.0], target).is_kept is is_kept


def test_a_target_is_one_of_the_bare_figure_where_there_is_no_limit() -> None:
    assert compared([499.0], [], at_most(500)).is_kept is True
    assert compared([501.0], [], at_most(500)).is_kept is False


def test_a_run_without_its_limit_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _ = compared([1.0, 2.0], [1.0], None).ratios


@pytest.mark.parametrize(("count", "slow"), [(100, 1), (200, 2), (1_000, 10)])
def test_one_answer_in_a_hundred_may_be_slower_than_the_p99(count: int, slow: int) -> None:
    assert p99([1.0] * (count - slow) + [math.inf] * slow) == 1.0
    assert p99([1.0] * (count - slow - 1) + [math.inf] * (slow + 1)) == math.inf
