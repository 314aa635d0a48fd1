"""What workers hold is what they can start now: the rest waits where all workers see it."""

from collections.abc import Callable

from tests.scheduling.stage import CAP, Stage


def test_workers_hold_at_most_twice_what_they_have_in_flight(stage: Callable[..., Stage]) -> None:
    slow = stage()
    slow.submit_big(500, 5_000)
    slow.wait_for_requests(3 * CAP)
    held = slow.look_during(3 * CAP, slow.held)
    assert CAP <= max(held) <= 2 * CAP
    assert slow.origin.count().max_in_flight == CAP
