"""What workers hold is what they can start now: the rest waits where all workers see it."""

from collections.abc import Callable

from tests.scheduling.stage import CAP, Stage

IMAGES = 5_000


def test_workers_hold_at_most_twice_what_they_have_in_flight(stage: Callable[..., Stage]) -> None:
    slow = stage()
    slow.submit_big(500, IMAGES)
    slow.wait_for_requests(3 * CAP)
    ahead = slow.look_during(3 * CAP, lambda: IMAGES - slow.in_line() - slow.origin.count().requests)
    assert max(ahead) <= CAP, ahead  # beside as many in flight
    assert slow.origin.count().max_in_flight == CAP
