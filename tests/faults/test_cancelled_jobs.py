"""A cancel at every stage of a job: it ends at once, with one result per image, and never ends again.

Promises: every image ends with exactly one result; the job ends and its counts are right.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.breaking import ask, asleep, holding, in_hand, outlast_the_stale_time, waiting
from tests.faults.postgres import CLAIM, embedded_url, sessions
from tests.lifecycle.processes import Shop, submit
from tests.metrics.scraping import scrape, value
from tests.origin import Origin
from tests.running import RunningService, wait_for

JOB_ROW = "SELECT FROM jobs WHERE job_id = %s FOR NO KEY UPDATE"
"""Lets pictures be written, which only keep a job from being deleted."""


@pytest.fixture(scope="module")
def lasting_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Origin() as origin:
        shop = Shop(Path(tmp_path_factory.mktemp("cancelled")), origin)
        yield shop
        shop.close()


@pytest.fixture(scope="module")
def running(lasting_shop: Shop) -> RunningService:
    """A service of one worker for all tests here."""
    return lasting_shop.serve(RETAILPULSE_WORKER_SETTLE_SECONDS="0.01")


@pytest.fixture
def shop(lasting_shop: Shop) -> Iterator[Shop]:
    """The shop of `running`; no photo waits any more when the next test begins."""
    yield lasting_shop
    lasting_shop.open_gates()


def cancel(running: RunningService, job_id: str) -> httpx.Response:
    return running.http.post(f"/api/v1/jobs/{job_id}/cancel")


def counts(total: int, *, measured: int = 0, cancelled: int = 0) -> dict[str, int]:
    return {"total": total, "settled": total, "measured": measured, "failed": 0, "cancelled": cancelled}


def in_flight(running: RunningService) -> float:
    """How many transfers run, as the service tells."""
    return value(scrape(running.http), "retailpulse_transfers_in_flight")


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Runs a call beside the test, for what has to wait until the test lets it."""
    with ThreadPoolExecutor() as threads:
        yield threads.submit


def test_a_job_that_nobody_has_claimed_yet_is_never_fetched(shop: Shop, running: RunningService) -> None:
    before = len(shop.origin.requests)
    with asleep(running.pids()["worker"][0]):
        job_id = submit(running, shop.photos(100))
        answer = cancel(running, job_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["images"] == counts(100, cancelled=100)
    shop.check_truth(job_id)
    assert running.job(job_id) == answer.json()
    assert len(shop.origin.requests) == before


def test_a_job_in_the_midst_of_its_work_keeps_what_it_has_and_takes_nothing_more(
    shop: Shop, running: RunningService
) -> None:
    before = len(shop.origin.requests)
    gates = [shop.gate() for _ in range(180)]
    photos = [shop.photos(1, before=gate)[0] for gate in gates]
    job_id = submit(running, photos)
    shop.wait_for_requests(before + 16)
    asked = {seen.path for seen in shop.origin.requests[before:]}
    for photo, gate in zip(photos, gates, strict=True):
        if urlsplit(photo).path in asked:
            gate.set()
    shop.wait_for_requests(before + 32)
    wait_for(lambda: running.job(job_id)["images"]["settled"] == 16)
    answer = cancel(running, job_id)
    assert answer.json()["images"] == counts(180, measured=16, cancelled=164)
    shop.open_gates()  # what is in flight arrives, too late
    shop.check_truth(job_id)
    assert running.job(job_id) == answer.json()
    assert cancel(running, job_id).json() == answer.json()


def test_a_sweep_that_puts_images_of_a_job_back_while_it_is_cancelled(
    shop: Shop, running: RunningService, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    """The cancel waits for the sweep, and finds what it has put back."""
    gate = shop.gate()
    job_id = submit(running, shop.photos(200, before=gate))
    wait_for(lambda: in_hand(shop) >= 16)
    with holding(shop, "SELECT FROM grants WHERE job_id = %s FOR UPDATE", job_id):
        os.kill(running.pids()["worker"][0], signal.SIGKILL)
        wait_for(lambda: waiting(shop, "DELETE FROM grants"))  # the sweep has locked the job
        answer = meanwhile(cancel, running, job_id)
        wait_for(lambda: waiting(shop, "FOR UPDATE"))
    assert answer.result().json()["images"] == counts(200, cancelled=200)
    gate.set()
    shop.check_truth(job_id)
    assert running.job(job_id) == answer.result().json()


def test_a_cancel_while_images_of_the_job_are_claimed(
    shop: Shop, running: RunningService, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    """Whichever of the two is first, nothing of the job is in work afterwards."""
    before = len(shop.origin.requests)
    with holding(shop, "LOCK TABLE grants IN SHARE MODE"):
        job_id = submit(running, shop.photos(40, before=shop.gate()))
        wait_for(lambda: waiting(shop, CLAIM))
        answer = meanwhile(cancel, running, job_id)
        wait_for(lambda: waiting(shop, "DELETE FROM grants"))
    assert answer.result().json()["images"] == counts(40, cancelled=40)
    shop.check_truth(job_id)
    wait_for(lambda: in_flight(running) == 0)
    assert len(shop.origin.requests) <= before + 16


def test_a_cancel_whose_notification_is_lost_is_heard_at_the_next_heartbeat(
    shop: Shop, running: RunningService
) -> None:
    """The session that listens is frozen, which the worker cannot know; its transfers are aborted."""
    before = len(shop.origin.requests)
    job_id = submit(running, shop.photos(100, before=shop.gate()))
    shop.wait_for_requests(before + 16)
    wait_for(lambda: in_flight(running) == 16)
    (listening,) = sessions(embedded_url(shop.folder), listening=True)
    with asleep(listening):
        answer = cancel(running, job_id)
        assert answer.json()["images"] == counts(100, cancelled=100)
        wait_for(lambda: in_flight(running) == 0)
        beside = submit(running, shop.photos(20))
        assert running.finished(beside)["images"]["measured"] == 20
    shop.check_truth(job_id, beside)
    assert len(shop.origin.requests) == before + 16 + 20


def asked_for(shop: Shop, running: RunningService, photos: int) -> tuple[str, threading.Event]:
    """A job all of whose photos are asked for, and what lets them come."""
    gate = shop.gate()
    before = len(shop.origin.requests)
    job_id = submit(running, shop.photos(photos, before=gate))
    shop.wait_for_requests(before + photos)
    return job_id, gate


def test_a_cancel_that_comes_just_after_the_last_result_changes_nothing(
    shop: Shop, running: RunningService, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    job_id, gate = asked_for(shop, running, 1)
    with holding(shop, JOB_ROW, job_id):
        gate.set()
        wait_for(lambda: waiting(shop, "UPDATE jobs SET measured"))
        answer = meanwhile(cancel, running, job_id)
        wait_for(lambda: waiting(shop, "'the job was cancelled'"))
    assert answer.result().status_code == 409
    report = running.job(job_id)
    assert (report["status"], report["images"]) == ("completed", counts(1, measured=1))
    shop.check_truth(job_id)


def test_a_last_result_that_comes_just_after_the_cancel_changes_nothing(
    shop: Shop, running: RunningService, meanwhile: Callable[..., Future[httpx.Response]]
) -> None:
    job_id, gate = asked_for(shop, running, 8)
    with holding(shop, JOB_ROW, job_id):
        answer = meanwhile(cancel, running, job_id)
        wait_for(lambda: waiting(shop, "UPDATE jobs SET cancelled"))
        gate.set()
        wait_for(lambda: waiting(shop, "INSERT INTO results"))
    assert answer.result().json()["images"] == counts(8, cancelled=8)
    shop.check_truth(job_id)
    report = running.job(job_id)
    assert (report["status"], report["images"]) == ("cancelled", counts(8, cancelled=8))


def test_cancels_that_race_with_the_ends_of_jobs(shop: Shop, running: RunningService) -> None:
    ended = {}
    for _ in range(30):
        before = len(shop.origin.requests)
        job_id = submit(running, shop.photos(3))
        shop.wait_for_requests(before + 3)
        ended[job_id] = cancel(running, job_id).status_code
    shop.check_truth(*ended)
    for job_id, code in ended.items():
        report = running.job(job_id)
        assert (code, report["status"]) in {(200, "cancelled"), (409, "completed")}


def test_a_job_whose_worker_was_killed_stays_cancelled_when_that_is_swept(
    shop: Shop, running: RunningService
) -> None:
    gate = shop.gate()
    job_id = submit(running, shop.photos(100, before=gate))
    wait_for(lambda: in_hand(shop) >= 4)
    os.kill(running.pids()["worker"][0], signal.SIGKILL)
    answer = cancel(running, job_id)
    before = len(shop.origin.requests)
    gate.set()
    outlast_the_stale_time(shop)
    shop.check_truth(job_id)
    assert running.job(job_id) == answer.json()
    assert answer.json()["images"] == counts(100, cancelled=100)
    assert len(shop.origin.requests) == before


def test_a_job_that_has_ended_stays_as_it_is(shop: Shop, running: RunningService) -> None:
    job_id = submit(running, shop.photos(5))
    ended = running.finished(job_id)
    assert cancel(running, job_id).status_code == 409
    assert running.job(job_id) == ended
    shop.check_truth(job_id)
    assert running.job(job_id) == ended
    assert ask(shop, "SELECT count(*) FROM results WHERE job_id = %s", job_id) == [(5,)]
