"""A kill -9 of the API: what it has promised is on disk, and nothing is kept by halves.

Promises: accepted means on disk, the job ends, refusals are honest.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.faults.breaking import ask, holding, session, waiting
from tests.lifecycle.processes import Shop, submit
from tests.running import RunningService, wait_for


def kill_api(running: RunningService) -> None:
    (victim,) = running.pids()["api"]
    os.kill(victim, signal.SIGKILL)


def wait_until_it_answers(running: RunningService) -> None:
    def answers() -> bool:
        try:
            return running.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_for(answers)


def send(running: RunningService, urls: list[str], key: str) -> httpx.Response:
    """Submits photos with a key, over a connection of its own."""
    visit = {"store_id": "RP00001", "image_url": urls, "visit_time": "2026-11-20T10:00:00Z"}
    body: dict[str, Any] = {"count": 1, "visits": [visit]}
    headers = {"Idempotency-Key": key}
    return httpx.post(f"{running.url}/api/submit", json=body, headers=headers, timeout=60)


@contextmanager
def sending(running: RunningService, urls: list[str], key: str) -> Iterator[Future[httpx.Response]]:
    """A submit that another thread waits for."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(send, running, urls, key)


def kept(shop: Shop) -> list[tuple[int, ...]]:
    """How many rows there are of jobs, visits, images, slices, keys and deliveries."""
    return ask(
        shop,
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM visits), (SELECT count(*) FROM images),"
        " (SELECT count(*) FROM slices), (SELECT count(*) FROM idempotency_keys),"
        " (SELECT count(*) FROM deliveries)",
    )


def test_an_api_that_is_killed_is_started_again_and_no_job_waits_for_it(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve()
    job_id = submit(running, shop.photos(40, before=gate))
    kill_api(running)
    gate.set()
    wait_until_it_answers(running)
    assert running.finished(job_id)["images"]["measured"] == 40
    shop.check_truth(job_id)


def test_a_submit_whose_api_is_killed_before_the_commit_leaves_nothing(shop: Shop) -> None:
    """No 201 was sent, so nothing is kept; the same submit sent again is a new job."""
    running = shop.serve()
    urls = shop.photos(40)
    with (
        holding(shop, "LOCK TABLE slices IN EXCLUSIVE MODE"),
        sending(running, urls, "first") as answer,
    ):
        wait_for(lambda: waiting(shop, "INSERT INTO slices"))
        kill_api(running)
        with pytest.raises(httpx.TransportError):
            answer.result(60)
    wait_for(lambda: not waiting(shop, "INSERT INTO slices"))
    assert kept(shop) == [(0, 0, 0, 0, 0, 0)]
    wait_until_it_answers(running)
    again = send(running, urls, "first")
    assert again.status_code == 201
    running.finished(again.json()["job_id"])
    shop.check_truth(again.json()["job_id"])
    assert set(shop.requests().values()) == {1}


def test_a_submit_whose_api_is_killed_after_the_commit_and_before_the_reply_is_found_by_its_key(
    shop: Shop,
) -> None:
    """The commit is on disk and waits for a replica that does not exist, so the reply is never sent."""
    running = shop.serve()
    urls = shop.photos(40)
    with ExitStack() as lock, sending(running, urls, "once") as answer:
        lock.enter_context(holding(shop, "LOCK TABLE slices IN EXCLUSIVE MODE"))
        (pid,) = wait_for(lambda: waiting(shop, "INSERT INTO slices"))
        wait_for_replicas(shop, "nobody")
        lock.close()
        wait_for(lambda: ask(shop, COMMITTING, pid))
        kill_api(running)
        with pytest.raises(httpx.TransportError):
            answer.result(60)
    wait_for_replicas(shop, "")
    wait_until_it_answers(running)
    ((job_id,),) = wait_for(lambda: ask(shop, "SELECT job_id::text FROM jobs"))
    again = send(running, urls, "once")
    assert (again.status_code, again.json()["job_id"]) == (201, job_id)
    assert send(running, urls[:1], "once").status_code == 409
    running.finished(job_id)
    shop.check_truth(job_id)
    assert kept(shop)[0][0] == 1
    assert set(shop.requests().values()) == {1}


COMMITTING = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"


def wait_for_replicas(shop: Shop, names: str) -> None:
    """Lets every commit wait for replicas of these names; for none where there are no names."""
    data = shop.folder / "data" / "postgres"
    (data / "postgresql.auto.conf").write_text(f"synchronous_standby_names = '{names}'\n")
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
    with session(shop) as connection:
        wait_for(lambda: connection.execute("SHOW synchronous_standby_names").fetchone() == (names,))
