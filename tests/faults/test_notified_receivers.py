"""Callbacks when something breaks: every end is told at least once, always with the same id.

Promises: what a receiver was not told is told, whatever dies; photos do not wait for receivers.
"""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.faults.breaking import ask, asleep, further_worker, holding, session, waiting, with_signal
from tests.faults.postgres import embedded_url, end_sessions, sessions
from tests.lifecycle.processes import Shop
from tests.origin import Origin, Reply, Seen
from tests.running import RunningService, wait_for

BRIEF = {
    "RETAILPULSE_CALLBACKS_BACKOFF_SECONDS": "0.3",
    "RETAILPULSE_CALLBACKS_LONGEST_BACKOFF_SECONDS": "0.3",
}


@pytest.fixture
def receiver() -> Iterator[Origin]:
    with Origin() as server:
        yield server


def serve(
    shop: Shop, *, workers: int = 1, timeout_seconds: float = 2.0, **environment: str
) -> RunningService:
    """Starts the service with callbacks that are soon tried again."""
    seconds = {"RETAILPULSE_CALLBACKS_TIMEOUT_SECONDS": str(timeout_seconds)}
    return shop.serve(workers=workers, **{**BRIEF, **seconds, **environment})


def submit(running: RunningService, callback_url: str, urls: list[str] | None = None) -> str:
    """Submits a job that names its receiver; without photos one that ends at once."""
    visit = {
        "store_id": "RP00001" if urls else "nowhere",
        "image_url": urls or ["http://photos.example/1.png"],
        "visit_time": "2026-11-20T10:00:00Z",
    }
    answer = running.http.post("/api/v1/jobs", json={"visits": [visit], "callback_url": callback_url})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def states(shop: Shop) -> set[str]:
    return {state for (state,) in ask(shop, "SELECT state FROM deliveries")}


def received(receiver: Origin) -> dict[str, list[Seen]]:
    """What came in, by the id of the message."""
    found: dict[str, list[Seen]] = {}
    for seen in list(receiver.requests):
        found.setdefault(seen.headers["webhook-id"], []).append(seen)
    return found


def test_a_worker_killed_between_the_post_and_its_log_is_followed_by_one_that_posts_the_same(
    shop: Shop, receiver: Origin
) -> None:
    gate = threading.Event()
    hook = receiver.serve("/hook", Reply(status=204, before=gate), Reply(status=204))
    running = serve(shop)
    job_id = submit(running, hook)
    receiver.wait_until(lambda: receiver.busy == 1)
    with holding(shop, "SELECT FROM deliveries FOR UPDATE"):
        gate.set()
        wait_for(lambda: waiting(shop, "%SET%tries%"))
        os.kill(running.pids()["worker"][0], signal.SIGKILL)
        wait_for(lambda: not waiting(shop, "%SET%tries%") or end_sessions_of_the_dead(shop))
    wait_for(lambda: states(shop) == {"delivered"})
    ((first, second),) = received(receiver).values()
    assert first.body == second.body
    ((tries,),) = ask(shop, "SELECT jsonb_array_length(tries) FROM deliveries")
    assert tries in {1, 2}  # the database may still have done what the dead worker had sent
    shop.check_truth(job_id)


def end_sessions_of_the_dead(shop: Shop) -> bool:
    """Ends the sessions that still wait on behalf of a worker that is no more; says that it did."""
    with session(shop) as connection:
        for pid in waiting(shop, "%SET%tries%"):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    return True


@pytest.mark.slow
def test_a_worker_killed_while_it_posts_is_followed_by_one_that_posts_the_same(
    shop: Shop, receiver: Origin
) -> None:
    hook = receiver.serve("/hook", Reply(before=threading.Event()), Reply(status=204))
    running = serve(shop, workers=2)
    job_id = submit(running, hook)
    receiver.wait_until(lambda: receiver.busy == 1)
    for victim in running.pids()["worker"]:
        os.kill(victim, signal.SIGKILL)
    wait_for(lambda: states(shop) == {"delivered"})
    ((first, second),) = received(receiver).values()
    assert first.body == second.body
    shop.check_truth(job_id)


@pytest.mark.slow
def test_a_service_that_is_stopped_while_it_posts_posts_again_when_it_is_back(
    shop: Shop, receiver: Origin
) -> None:
    hook = receiver.serve("/hook", Reply(before=threading.Event()), Reply(status=204))
    running = serve(shop, timeout_seconds=120, RETAILPULSE_WORKER_GRACE_SECONDS="0.5")
    job_id = submit(running, hook)
    receiver.wait_until(lambda: receiver.busy == 1)
    assert running.stop() == 0
    serve(shop, timeout_seconds=120)
    wait_for(lambda: states(shop) == {"delivered"}, 30)  # and not only after the time of a post
    assert [len(posts) for posts in received(receiver).values()] == [2]
    shop.check_truth(job_id)


@pytest.mark.slow
def test_a_worker_that_slept_through_its_time_does_not_undo_what_another_did(
    shop: Shop, receiver: Origin
) -> None:
    gate = threading.Event()
    hook = receiver.serve("/hook", Reply(status=500, before=gate), Reply(status=204))
    running = serve(shop)
    with further_worker(shop, "sleeper", **BRIEF) as sleeper:
        (victim,) = running.pids()["worker"]
        with_signal(victim, signal.SIGSTOP)
        job_id = submit(running, hook)
        receiver.wait_until(lambda: receiver.busy == 1)
        with asleep(sleeper.process.pid):
            with_signal(victim, signal.SIGCONT)
            gate.set()
            wait_for(lambda: states(shop) == {"delivered"})
        wait_for(lambda: ask(shop, "SELECT FROM deliveries WHERE jsonb_array_length(tries) = 2"))
    assert states(shop) == {"delivered"}
    shop.check_truth(job_id)


def test_every_session_ended_still_tells_everybody(shop: Shop, receiver: Origin) -> None:
    hook = receiver.serve("/hook", Reply(status=503), Reply(status=503), Reply(status=204))
    running = serve(shop, workers=2)
    job_ids = [submit(running, hook) for _ in range(10)]
    end_sessions(embedded_url(shop.folder), set(sessions(embedded_url(shop.folder))))
    wait_for(lambda: states(shop) == {"delivered"})
    assert len(received(receiver)) == len(job_ids)
    shop.check_truth(*job_ids)


def test_a_receiver_that_was_not_there_for_a_while_is_told_once_when_it_is_back(shop: Shop) -> None:
    receiver = Origin()
    port = receiver.port
    hook = receiver.serve("/hook", Reply(status=204))
    receiver.close()
    running = serve(shop)
    job_id = submit(running, hook, shop.photos(20))
    wait_for(lambda: ask(shop, "SELECT FROM deliveries WHERE failures >= 3"))
    with Origin(port=port) as receiver:
        receiver.serve("/hook", Reply(status=204))
        wait_for(lambda: states(shop) == {"delivered"})
        assert [len(posts) for posts in received(receiver).values()] == [1]
    shop.check_truth(job_id)


def test_dead_receivers_of_many_jobs_hold_up_no_photo(shop: Shop, receiver: Origin) -> None:
    hook = receiver.serve("/hook", Reply(before=threading.Event()))
    running = serve(shop, timeout_seconds=60)
    for _ in range(30):
        submit(running, hook)
    receiver.wait_until(lambda: receiver.busy == 4)
    job_id = submit(running, hook, shop.photos(200))
    assert running.finished(job_id, 30)["images"]["measured"] == 200
    assert receiver.most_busy == 4
