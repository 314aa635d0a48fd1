"""Workers that were started by hand, as on other machines, share a host's cap with all others."""

from collections.abc import Callable

import pytest

from tests.running import Process, wait_for
from tests.scheduling.stage import CAP, Stage, ask

Staging = Callable[..., Stage]
pytestmark = pytest.mark.slow


def test_four_workers_together_keep_the_cap_of_each_host(
    stage: Staging, hand_started: Callable[[], Process]
) -> None:
    for _ in range(2):
        hand_started()
    few = stage(6)
    few.submit_big(200, 6_000, hosts=range(6))
    wait_for(lambda: all(count.requests >= 20 * CAP for count in few.origin.counts()))
    assert max(count.max_in_flight for count in few.origin.counts()) <= CAP + 1
    assert max(count.max_in_flight for count in few.origin.counts()) >= CAP - 2


def test_one_worker_that_joins_and_is_killed_leaves_its_share_to_the_others(
    stage: Staging, hand_started: Callable[[], Process]
) -> None:
    slow = stage()
    job_id = slow.submit_big(500, 2_000)
    slow.wait_until_full()
    joined = hand_started()
    wait_for(lambda: _slots(slow) == 3)
    joined.process.kill()
    wait_for(lambda: slow.origin.count().in_flight < CAP)
    slow.wait_until_full()
    wait_for(lambda: _slots(slow) == 2)
    assert slow.origin.count().max_in_flight <= CAP + 1
    slow.cancel(job_id)


def _slots(stage: Stage) -> int:
    """How many workers have slots of any host."""
    query = "SELECT count(DISTINCT worker_id) FROM leases WHERE slots > 0 AND host_id > 0"
    return int(ask(stage.database_url, query)[0][0])
