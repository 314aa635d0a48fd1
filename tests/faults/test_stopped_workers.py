"""Workers that are asked to stop in their work, also beyond their patience, and all of them in turn.

Promises: stops are clean, every image ends with exactly one result, repeats are bounded.
"""

import os
import signal
from urllib.parse import urlsplit

import pytest

from tests.faults.breaking import further_worker, holders, in_hand, outlast_the_stale_time, wait_for_workers
from tests.lifecycle.processes import IN_FLIGHT, Shop, submit
from tests.running import RunningService, wait_for


def stop_worker(running: RunningService, pid: int) -> None:
    """Asks one worker to stop, and waits until another has taken its place."""
    count = len(running.pids()["worker"])
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: pid not in running.pids()["worker"])
    wait_for(lambda: len(running.pids()["worker"]) == count)


@pytest.mark.slow
def test_all_workers_restarted_in_turn_under_load_repeat_nothing(shop: Shop) -> None:
    """What is in flight is settled before a worker ends, the rest is another's."""
    running = shop.serve(workers=2)
    wait_for_workers(shop, 2)
    job_ids = []
    for pid in running.pids()["worker"]:
        job_ids.append(submit(running, shop.photos(400, seconds=0.3)))
        wait_for(lambda: running.job(job_ids[-1])["images"]["settled"] > 0 and holders(shop) == 2)
        assert running.job(job_ids[-1])["status"] == "ongoing"
        stop_worker(running, pid)
        assert f"worker (process {pid}) ended with code 0" in running.log()
    for job_id in job_ids:
        assert running.finished(job_id)["images"]["measured"] == 400
    shop.check_truth(*job_ids)
    assert {path: count for path, count in shop.requests().items() if count > 1} == {}


def test_a_worker_that_drains_for_longer_than_the_stale_time_keeps_its_images(shop: Shop) -> None:
    """Its peer takes over from the silent, and this one is not: nothing is done twice."""
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="600")
    job_id = submit(running, shop.photos(20, before=gate))
    wait_for(lambda: shop.origin.busy >= 8)
    with further_worker(shop, "peer"):
        (pid,) = running.pids()["worker"]
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: "stopping: what is in flight" in running.log())
        outlast_the_stale_time(shop)
        gate.set()
        assert running.finished(job_id)["images"]["measured"] == 20
        shop.check_truth(job_id)
    assert set(shop.requests().values()) == {1}


def test_a_worker_that_drains_hands_back_at_once_what_has_not_begun(shop: Shop) -> None:
    """A peer does it, with the slots that are not in use any more, while photos in flight still hang."""
    gates = [shop.gate() for _ in range(60)]
    photos = [shop.photos(1, before=gate)[0] for gate in gates]
    few = {"RETAILPULSE_FETCH_CONCURRENCY": "8", "RETAILPULSE_WORKER_GRACE_SECONDS": "600"}
    running = shop.serve(workers=1, **few)
    job_id = submit(running, photos)
    wait_for(lambda: shop.origin.busy == 6 and in_hand(shop) == 8)
    hanging = set(shop.requests())
    with further_worker(shop, "peer", RETAILPULSE_WORKER_STALE_SECONDS="600"):
        os.kill(running.pids()["worker"][0], signal.SIGTERM)
        for photo, gate in zip(photos, gates, strict=True):
            if urlsplit(photo).path not in hanging:
                gate.set()
        wait_for(lambda: running.job(job_id)["images"]["settled"] == 60 - 6)
        assert shop.origin.busy == 6
        shop.open_gates()
        assert running.finished(job_id)["images"]["measured"] == 60
        shop.check_truth(job_id)
    assert set(shop.requests().values()) == {1}


def test_a_worker_that_is_out_of_patience_hands_back_what_hangs(shop: Shop) -> None:
    """What was settled stays, what hangs is done once more by the next."""
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="0.2")
    job_id = submit(running, [*shop.photos(30), *shop.photos(IN_FLIGHT, before=gate)])
    wait_for(lambda: running.job(job_id)["images"]["settled"] == 30)
    wait_for(lambda: shop.origin.busy == IN_FLIGHT)
    (pid,) = running.pids()["worker"]
    stop_worker(running, pid)
    assert f"worker (process {pid}) ended with code 0" in running.log()
    wait_for(lambda: in_hand(shop) == IN_FLIGHT)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 30 + IN_FLIGHT
    shop.check_truth(job_id)
    assert {shop.requests()[f"/{number}.png"] for number in range(30)} == {1}
    assert sum(count - 1 for count in shop.requests().values()) <= IN_FLIGHT
