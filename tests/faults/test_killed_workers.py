"""A kill -9 of a worker, in its work and between its last steps: no image is lost, and little is repeated.

Promises: every image ends with exactly one result, the job ends, recovery and repeats are bounded.
"""

import os
import signal
from typing import LiteralString

import pytest

from tests.faults.breaking import ask, holders, holding, in_hand, session, wait_for_workers, waiting
from tests.faults.postgres import CLAIM
from tests.lifecycle.processes import IN_FLIGHT, LEADING, PICTURE, Shop, submit
from tests.origin import Reply
from tests.running import RunningService, wait_for

DEFAULTS = {
    "RETAILPULSE_WORKER_HEARTBEAT_SECONDS": "2",
    "RETAILPULSE_WORKER_STALE_SECONDS": "8",
    "RETAILPULSE_WORKER_SWEEP_SECONDS": "2",
}


def kill_worker(running: RunningService) -> int:
    """Kills the first worker of a service and gives the process that it was."""
    victim = running.pids()["worker"][0]
    os.kill(victim, signal.SIGKILL)
    return victim


def repeats(shop: Shop) -> int:
    """How many downloads were done again."""
    return sum(count - 1 for count in shop.requests().values())


@pytest.mark.slow
def test_a_peer_finishes_what_a_killed_worker_had_in_hand(shop: Shop) -> None:
    """By the settings as they come: recovery is bounded, and so are the repeats."""
    gate = shop.gate()
    running = shop.serve(workers=2, **DEFAULTS)
    wait_for_workers(shop, 2)
    job_id = submit(running, [*shop.leading(), *shop.photos(160, before=gate)])
    shop.wait_for_requests(LEADING + 8)
    wait_for(lambda: running.job(job_id)["images"]["settled"] == LEADING and holders(shop) == 2)
    in_flight = shop.origin.busy
    victim = kill_worker(running)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == LEADING + 160
    shop.check_truth(job_id)
    assert 0 < repeats(shop) < in_flight
    wait_for(lambda: len(running.pids()["worker"]) == 2)
    assert victim not in running.pids()["worker"]


def test_a_worker_that_is_killed_alone_is_started_again_and_goes_on(shop: Shop) -> None:
    """What was settled is never done again, what was in flight once."""
    gate = shop.gate()
    running = shop.serve()
    job_id = submit(running, [*shop.photos(30), *shop.photos(IN_FLIGHT, before=gate)])
    wait_for(lambda: running.job(job_id)["images"]["settled"] == 30)
    wait_for(lambda: shop.origin.busy == IN_FLIGHT)
    kill_worker(running)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 30 + IN_FLIGHT
    shop.check_truth(job_id)
    assert {shop.requests()[f"/{number}.png"] for number in range(30)} == {1}
    assert 0 < repeats(shop) <= IN_FLIGHT


@pytest.mark.slow
def test_an_analysis_goes_on_after_a_killed_worker_and_brings_each_photo_its_facts_once(shop: Shop) -> None:
    running = shop.serve()
    job_id = running.submit(
        [{"store_id": "RP00001", "image_url": shop.photos(LEADING), "visit_time": "2026-11-20"}],
        depth="decode",
    )
    whole = running.finished(job_id) and running.results(job_id)
    with session(shop) as connection:
        connection.execute("UPDATE results SET analyzed = NULL, brightness = NULL, flags = NULL")
    gate = shop.gate()
    for number in range(30, 30 + IN_FLIGHT):
        shop.origin.serve(f"/{number}.png", Reply(body=PICTURE, before=gate))
    analysis_id = running.http.post("/api/v1/analyses").json()["job_id"]
    wait_for(lambda: running.job(analysis_id)["images"]["settled"] == LEADING - IN_FLIGHT)
    kill_worker(running)
    gate.set()
    running.finished(analysis_id)
    assert running.http.get(f"/api/v1/analyses/{analysis_id}").json()["analyzed"] == LEADING
    assert running.results(job_id) == whole
    shop.check_truth(job_id, analysis_id)
    assert running.http.post("/api/v1/analyses").json()["images"] == 0


@pytest.mark.parametrize("statement", ["UPDATE jobs", "DELETE FROM grants"])
def test_a_worker_killed_between_the_last_result_and_the_close_of_its_job(shop: Shop, statement: str) -> None:
    """The results, the counts and the close are one transaction: half of it is none of it."""
    locks: dict[str, LiteralString] = {
        "UPDATE jobs": "SELECT FROM jobs WHERE job_id = %s FOR NO KEY UPDATE",
        "DELETE FROM grants": "SELECT FROM grants WHERE job_id = %s FOR UPDATE",
    }
    running = shop.serve()
    gate = shop.gate()
    job_id = submit(running, shop.photos(10, before=gate))
    shop.wait_for_requests(8)
    wait_for(lambda: in_hand(shop) == 10)
    with holding(shop, locks[statement], job_id):
        gate.set()
        (settling,) = wait_for(lambda: waiting(shop, statement))
        kill_worker(running)
        end_session(shop, settling)  # else the server would still do what a dead worker has asked for
    assert running.finished(job_id)["images"]["measured"] == 10
    shop.check_truth(job_id)
    assert max(shop.requests().values()) <= 2


def test_a_worker_killed_while_it_claims(shop: Shop) -> None:
    """What the database still gives to a dead worker is swept, and nobody has asked for it."""
    running = shop.serve()
    with holding(shop, "LOCK TABLE grants IN SHARE MODE"):
        job_id = submit(running, shop.photos(10))
        (claiming,) = wait_for(lambda: waiting(shop, CLAIM))
        kill_worker(running)
    wait_for(lambda: not ask(shop, "SELECT FROM pg_stat_activity WHERE pid = %s", claiming))
    assert running.finished(job_id)["images"]["measured"] == 10
    shop.check_truth(job_id)
    assert set(shop.requests().values()) == {1}


def end_session(shop: Shop, pid: int) -> None:
    """Ends a session of the database, and waits until it is gone."""
    with session(shop) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_for(lambda: not ask(shop, "SELECT FROM pg_stat_activity WHERE pid = %s", pid))
