"""Workers whose clocks are an hour wrong: who is alive is told by the database's clock alone.

Promises: recovery is bounded, repeats are bounded.
"""

from pathlib import Path

import pytest

from tests.faults.breaking import further_worker, holders, outlast_the_stale_time, wait_for_workers
from tests.lifecycle.processes import LEADING, Shop, submit
from tests.running import wait_for


@pytest.fixture
def faketime() -> str:
    """The library that shows a process another time of day; its monotonic clock stays true."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("needs faketime: apt-get install faketime")
    return str(found[0])


@pytest.mark.slow
def test_workers_with_wrong_clocks_live_and_die_as_any_other(shop: Shop, faketime: str) -> None:
    """While they live nothing is repeated; once they are killed a peer goes on with what they had."""
    gate = shop.gate()
    running = shop.serve()
    wrong = {"LD_PRELOAD": faketime, "DONT_FAKE_MONOTONIC": "1"}
    with (
        further_worker(shop, "ahead", FAKETIME="+1h", **wrong) as ahead,
        further_worker(shop, "behind", FAKETIME="-1h", **wrong) as behind,
    ):
        wait_for_workers(shop, 3)
        job_id = submit(running, [*shop.leading(), *shop.photos(240, before=gate)])
        shop.wait_for_requests(LEADING + 16)
        wait_for(lambda: running.job(job_id)["images"]["settled"] == LEADING and holders(shop) == 3)
        in_flight = shop.origin.busy
        outlast_the_stale_time(shop)
        assert set(shop.requests().values()) == {1}
        for worker in (ahead, behind):
            worker.process.kill()
            worker.process.wait()
        gate.set()
        assert running.finished(job_id)["images"]["measured"] == LEADING + 240
        shop.check_truth(job_id)
    assert 0 < sum(count - 1 for count in shop.requests().values()) <= in_flight
