"""Who is served first at a host: what is urgent, what is small, and equal jobs alike.

Requests are counted at the host in place of times: who waits for one round of a host's slots sees at most
that many requests of others.
"""

from collections.abc import Callable

import pytest

from tests.running import wait_for
from tests.scheduling.stage import CAP, Stage

Staging = Callable[..., Stage]
LATENCY_MS = 500


@pytest.mark.parametrize(("priority", "rounds"), [(100, 1), (0, 2)])
def test_one_image_behind_a_big_job_waits_for_a_round_or_two(
    stage: Staging, priority: int, rounds: int
) -> None:
    big = stage()
    big.submit_big(LATENCY_MS, 5_000)
    big.wait_for_requests(2 * CAP)
    for number in range(3):
        name = f"one-{priority}-{number}"
        before = big.origin.count().requests
        job_id = big.submit([big.origin.url(LATENCY_MS, name)], priority)
        assert big.finished(job_id)["images"]["measured"] == 1
        order = [path for _, path in big.origin.arrivals()]
        place = next(place for place, path in enumerate(order) if name in path)
        assert place - before <= rounds * CAP


def test_an_idle_host_is_asked_while_another_is_busy(stage: Staging) -> None:
    both = stage(2)
    both.submit_big(LATENCY_MS, 5_000)
    both.wait_until_full()
    for number in range(5):
        before = both.origin.count().requests
        job_id = both.submit([both.origin.url(0, f"idle-{number}", host=1)])
        both.finished(job_id)
        assert both.origin.count().requests - before <= 2 * CAP


def test_equal_jobs_are_served_alike(stage: Staging) -> None:
    host, jobs, images = stage(), 5, 200
    for number in range(jobs):
        host.submit_big(50, images, name=f"job{number}-")
    wait_for(lambda: host.origin.count().requests >= jobs * images)
    begun = [sorted(host.begun(f"job{number}-")) for number in range(jobs)]
    first_end = min(times[-1] for times in begun)
    there = [sum(at <= first_end for at in times) for times in begun]
    assert min(there) >= 0.9 * images, there


def test_an_urgent_job_has_the_host_until_its_last_image_has_begun(stage: Staging) -> None:
    host, images = stage(), 160
    for number in range(4):
        host.submit_big(100, 2_000, name=f"other{number}-")
    host.wait_for_requests(2 * CAP)
    urgent = host.submit(host.origin.urls(100, "urgent", images), priority=50)
    host.finished(urgent)
    mine = host.begun("urgent")
    others = sum(min(mine) < at < max(mine) for at in host.begun("other"))
    assert others <= 2 * CAP, others
