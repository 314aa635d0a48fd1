"""How many workers are wanted for what waits."""

import pytest

from retailpulse.domain.scaling import Demand, ScalingGoal

GOAL = ScalingGoal(images_per_second=20.0, backlog_seconds=100.0, host_cap=16)


@pytest.mark.parametrize(
    ("images", "images_per_second", "wanted"),
    [
        (0, None, 0),
        (1, None, 1),
        (2_000, None, 1),
        (2_001, None, 2),
        (1_000_000, None, 500),
        (1_000_000, 41.0, 3),
        (1_000_000, 0.1, 1),
        (2_001, 10_000.0, 2),
    ],
)
def test_as_many_are_wanted_as_settle_in_time_what_hosts_give(
    images: int, images_per_second: float | None, wanted: int
) -> None:
    assert GOAL.workers_wanted(Demand(images=images, images_per_second=images_per_second)) == wanted


def test_one_is_wanted_for_chores_alone() -> None:
    assert GOAL.workers_wanted(Demand(images=0, images_per_second=None, has_chores=True)) == 1
