"""The holder of a share of a host is killed, asleep, its clock wrong: others get it, and the host no more.

Promises: recovery is bounded; a host is asked for no more at once than its cap, by all workers together. What
befalls a worker whose line to the database is cut is in test_cut_networks.
"""

import pytest

from tests.faults.breaking import ask, asleep, further_worker, wait_for_workers
from tests.faults.test_wrong_clocks import faketime
from tests.lifecycle.processes import PICTURE, Shop, submit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

__all__ = ["faketime"]

CAP = 8
CAPPED = {"RETAILPULSE_FETCH_PER_HOST": str(CAP), "RETAILPULSE_FETCH_PER_HOST_MAX": str(CAP)}
SECONDS = 0.2
"""How long a photo takes: much less than the part of the stale time in which nothing begins any more."""
SLOTS = "SELECT slots FROM leases WHERE host_id > 0 AND slots > 0 ORDER BY worker_id"


def slots(shop: Shop) -> list[int]:
    """How many slots of the host each worker has that has some."""
    return [count for (count,) in ask(shop, SLOTS)]


def serve_also(shop: Shop) -> RunningService:
    """A service of one worker, which a test puts another beside."""
    return shop.serve(workers=1, **CAPPED)


def begin(shop: Shop, running: RunningService) -> str:
    """A job that lasts longer than any of this, in which both workers take part."""
    wait_for_workers(shop, 2)
    job_id = submit(running, shop.photos(10_000, seconds=SECONDS))
    wait_for(lambda: slots(shop) == [CAP // 2, CAP // 2] and shop.origin.waiting == CAP)
    return job_id


def end(shop: Shop, running: RunningService, job_id: str) -> None:
    """Cancels a job that goes on."""
    assert running.http.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 200
    shop.check_truth(job_id)


def test_the_share_of_a_killed_worker_is_used_by_the_others(shop: Shop) -> None:
    check_a_kill(shop)


@pytest.mark.parametrize("clock", ["+1h", "-1h"])
def test_the_share_of_a_killed_worker_with_a_wrong_clock(shop: Shop, faketime: str, clock: str) -> None:
    """Who is alive is told by the database's clock alone."""
    check_a_kill(shop, LD_PRELOAD=faketime, DONT_FAKE_MONOTONIC="1", FAKETIME=clock)


def check_a_kill(shop: Shop, **environment: str) -> None:
    running = serve_also(shop)
    with further_worker(shop, "victim", **CAPPED, **environment) as victim:
        job_id = begin(shop, running)
        victim.process.kill()
        victim.process.wait()
        wait_for(lambda: slots(shop) == [CAP] and shop.origin.waiting == CAP)
    end(shop, running, job_id)
    assert shop.origin.most_waiting == CAP


def test_the_share_of_a_worker_asleep_is_used_by_the_others_and_shared_again_when_it_wakes(
    shop: Shop,
) -> None:
    """What it finds begun when it wakes is over for the host; it begins nothing before it is known again."""
    running = serve_also(shop)
    with further_worker(shop, "sleeper", **CAPPED) as sleeper:
        job_id = begin(shop, running)
        with asleep(sleeper.process.pid):
            wait_for(lambda: slots(shop) == [CAP] and shop.origin.waiting == CAP)
        wait_for(lambda: slots(shop) == [CAP // 2, CAP // 2])
        end(shop, running, job_id)
    assert shop.origin.most_waiting == CAP
    assert max(shop.requests().values()) <= 2


@pytest.mark.slow
def test_a_slow_host_with_a_big_job_holds_up_no_other_job(shop: Shop) -> None:
    """Measured by what the big job had settled when the others ended: next to nothing."""
    running = shop.serve(workers=2)
    with Origin(host="127.0.1.1") as slow:
        urls = [slow.serve(f"/{number}.png", Reply(body=PICTURE, seconds=2.0)) for number in range(5_002)]
        wait_for_workers(shop, 2)
        big = submit(running, urls[:5_000])
        slow.wait_until(lambda: slow.busy == 16)
        elsewhere = [submit(running, shop.photos(40)) for _ in range(5)]
        here = submit(running, urls[5_000:5_001])
        urgent = running.submit(
            [{"store_id": "RP00001", "image_url": urls[5_001:], "visit_time": "2026-11-20"}], priority=100
        )
        others = [*elsewhere, here, urgent]
        for job_id in others:
            assert running.finished(job_id)["status"] == "completed"
        ended = ask(shop, SETTLED_BY_THEN, big, others)
        assert ended < [(6 * 16,)]
        assert slow.most_waiting <= 16 + 1  # the urgent one does not wait for a slot
        assert running.http.post(f"/api/v1/jobs/{big}/cancel").status_code == 200
        shop.check_truth(big, *others)


SETTLED_BY_THEN = """
    SELECT count(*) FROM results WHERE job_id = %s AND outcome = 'measured'
        AND settled_at < (SELECT max(finished_at) FROM jobs WHERE job_id = ANY(%s::uuid[]))
"""
