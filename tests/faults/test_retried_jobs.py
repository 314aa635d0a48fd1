"""A retry at every stage, and whatever dies or sleeps meanwhile: one result per image, exact counts, one end.

Promises: every image ends with exactly one result; the job ends and its counts are right.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.faults.breaking import (
    ask,
    asleep,
    holders,
    holding,
    in_hand,
    outlast_the_stale_time,
    wait_for_workers,
    waiting,
    with_signal,
)
from tests.faults.postgres import processes_of
from tests.lifecycle.processes import LEADING, PICTURE, Shop, submit
from tests.origin import Reply
from tests.running import RunningService, wait_for

JOB_ROW = "SELECT FROM jobs WHERE job_id = %s FOR UPDATE"


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Runs a call beside the test, for what has to wait until the test lets it."""
    with ThreadPoolExecutor() as threads:
        yield threads.submit


def retry(running: RunningService, job_id: str) -> httpx.Response:
    return running.http.post(f"/api/v1/jobs/{job_id}/retry")


def failed_job(shop: Shop, running: RunningService, good: int, bad: int) -> tuple[str, list[str]]:
    """A job that has ended with failures, and the paths of the photos that failed; they are there now."""
    urls = shop.photos(good + bad)
    paths = [f"/{url.rpartition('/')[2]}" for url in urls[good:]]
    for path in paths:
        shop.origin.serve(path, Reply(status=404))
    job_id = submit(running, urls)
    assert running.finished(job_id)["images"]["failed"] == bad
    for path in paths:
        shop.origin.serve(path, Reply(body=PICTURE))
    return job_id, paths


def check_completed(shop: Shop, running: RunningService, job_id: str, images: int, earlier: int) -> None:
    report = running.finished(job_id)
    assert (report["status"], report["images"]["measured"]) == ("completed", images)
    shop.check_truth(job_id)
    assert ask(shop, "SELECT count(*) FROM earlier_results WHERE job_id = %s", job_id) == [(earlier,)]


def test_a_worker_killed_in_the_middle_of_a_retry(shop: Shop) -> None:
    running = shop.serve()
    job_id, paths = failed_job(shop, running, 30, 60)
    gate = shop.gate()
    for path in paths:
        shop.origin.serve(path, Reply(body=PICTURE, before=gate))
    asked = len(shop.origin.requests)
    assert retry(running, job_id).status_code == 200
    shop.wait_for_requests(asked + 16)
    os.kill(running.pids()["worker"][0], signal.SIGKILL)
    gate.set()
    check_completed(shop, running, job_id, 90, 60)


def test_a_database_killed_in_the_middle_of_a_retry_keeps_the_job_as_it_was(
    shop: Shop, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    running = shop.serve()
    job_id, _ = failed_job(shop, running, 5, 40)
    before = running.job(job_id)
    with pytest.raises(psycopg.OperationalError), holding(shop, JOB_ROW, job_id):
        answer = meanwhile(retry, running, job_id)
        wait_for(lambda: waiting(shop, "UPDATE jobs"))  # the results are taken back, but not committed
        for pid in processes_of(running.pids()["postgres"][0]):
            with_signal(pid, signal.SIGKILL)
        assert answer.result().status_code == 503
    running.wait_until_ready()
    wait_for(lambda: running.http.get(f"/api/v1/jobs/{job_id}").status_code == 200)
    assert running.job(job_id) == before
    shop.check_truth(job_id)
    wait_for(lambda: retry(running, job_id).status_code == 200)
    check_completed(shop, running, job_id, 45, 40)


def test_a_database_killed_in_the_middle_of_a_cancel_lets_the_job_go_on(
    shop: Shop, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    running = shop.serve()
    gate = shop.gate()
    job_id = submit(running, shop.photos(60, before=gate))
    wait_for(lambda: in_hand(shop))
    with pytest.raises(psycopg.OperationalError), holding(shop, JOB_ROW, job_id):
        answer = meanwhile(running.http.post, f"/api/v1/jobs/{job_id}/cancel")
        wait_for(lambda: waiting(shop, "UPDATE jobs SET cancelled"))
        for pid in processes_of(running.pids()["postgres"][0]):
            with_signal(pid, signal.SIGKILL)
        assert answer.result().status_code == 503
    gate.set()
    running.wait_until_ready()
    check_completed(shop, running, job_id, 60, 0)


def test_a_worker_that_sleeps_through_a_retry_writes_nothing_when_it_wakes(shop: Shop) -> None:
    running = shop.serve(workers=2)
    sleeper, _ = running.pids()["worker"]
    wait_for_workers(shop, 2)
    gate = shop.gate()
    urls = shop.photos(80, before=gate)
    job_id = submit(running, [*shop.leading(), *urls])
    shop.wait_for_requests(LEADING + 16)
    wait_for(lambda: holders(shop) == 2)
    with asleep(sleeper):
        for url in urls:  # what is asked for from now on is not there
            shop.origin.serve(f"/{url.rpartition('/')[2]}", Reply(status=404))
        gate.set()
        outlast_the_stale_time(shop)
        assert running.finished(job_id)["images"]["failed"] > 0
        again = shop.gate()
        for url in urls:
            shop.origin.serve(f"/{url.rpartition('/')[2]}", Reply(body=PICTURE, before=again))
        failed = running.job(job_id)["images"]["failed"]
        assert retry(running, job_id).status_code == 200
    wait_for(lambda: in_hand(shop))
    assert running.job(job_id)["images"]["settled"] <= LEADING + 80
    again.set()
    check_completed(shop, running, job_id, LEADING + 80, failed)


def test_a_retried_job_that_is_cancelled_keeps_what_it_has(shop: Shop) -> None:
    running = shop.serve()
    job_id, paths = failed_job(shop, running, 10, 50)
    gate = shop.gate()
    for path in paths:
        shop.origin.serve(path, Reply(body=PICTURE, before=gate))
    assert retry(running, job_id).status_code == 200
    wait_for(lambda: in_hand(shop))
    answer = running.http.post(f"/api/v1/jobs/{job_id}/cancel")
    counts = {"total": 60, "settled": 60, "measured": 10, "failed": 0, "cancelled": 50}
    assert answer.json()["images"] == counts
    gate.set()
    shop.check_truth(job_id)
    assert running.job(job_id)["images"] == counts
    assert retry(running, job_id).status_code == 409
