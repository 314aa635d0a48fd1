"""PostgreSQL restarted, crashed, gone, frozen, its sessions ended: all goes on by itself, nothing is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.breaking import with_signal
from tests.faults.postgres import Postgres, embedded_url, end_sessions, frozen, processes_of, sessions
from tests.faults.submitting import THREADS, Submitter, wait_until_ended
from tests.lifecycle.processes import QUICK, Shop, submit
from tests.running import RunningService, wait_for

pytestmark = pytest.mark.timeout(900)  # the long forms last

Lasting = Callable[[float, float], float]
STALE_SECONDS = float(QUICK["RETAILPULSE_WORKER_STALE_SECONDS"])


@pytest.fixture
def postgres(shop: Shop) -> Iterator[Postgres]:
    """A server that nobody starts again but the test."""
    made = Postgres(shop.folder / "elsewhere")
    made.start()
    yield made
    made.stop()


def status_of(running: RunningService, job_id: str) -> int:
    """The HTTP status of the question how a job stands."""
    return running.http.get("/api/status", params={"jobid": job_id}).status_code


def pass_seconds(seconds: float, *, since: float) -> None:
    """Waits until a fault has lasted so long."""
    wait_for(lambda: time.monotonic() >= since + seconds, seconds + 10)


def test_a_database_restarted_crashed_and_gone_under_load(
    shop: Shop, postgres: Postgres, lasting: Lasting
) -> None:
    """Accepted means on disk, refusals are honest, recovery is bounded."""
    running = shop.serve(RETAILPULSE_DATABASE_URL=postgres.url)
    pids = running.pids()
    submitter = Submitter(running.url, shop.photos)
    with submitter.at_work():
        for end in (postgres.stop, postgres.crash):
            submitter.wait_until_accepted(5)
            end()
            gone_at = time.monotonic()
            submitter.wait_until_refused(2)
            assert status_of(running, submitter.accepted()[0]) == 503
            pass_seconds(lasting(0, 60), since=gone_at)
            postgres.start()
        submitter.wait_until_accepted(5)
    wait_until_ended(running, submitter.accepted())
    submitter.check_refusals()
    assert submitter.lost(postgres.url) == set()
    # Where a crash falls between a commit and its confirmation nobody can tell the client which it was.
    with_unknown_commit = submitter.with_unknown_commit(postgres.url)
    assert len(with_unknown_commit) <= 2 * THREADS
    postgres.check_truth(*submitter.accepted(), *with_unknown_commit)
    assert running.pids() == pids


def test_the_embedded_database_killed_in_the_middle_of_the_work(shop: Shop) -> None:
    """Accepted means on disk, recovery and repeated work are bounded: `serve` brings its server back."""
    running = shop.serve(workers=2)
    kills: list[Callable[[list[int]], list[int]]] = [
        lambda pids: pids[:1],  # the postmaster
        lambda pids: pids[1:2],  # a process of it
        lambda pids: pids,  # all
    ]
    job_ids = []
    for victims in kills:
        gate, before = shop.gate(), len(shop.origin.requests)
        job_ids.append(submit(running, shop.photos(60, before=gate)))
        shop.wait_for_requests(before + 8)
        starts = count_starts(running)
        for pid in victims(processes_of(running.pids()["postgres"][0])):
            with_signal(pid, signal.SIGKILL)
        gate.set()
        wait_for_start(running, starts)
        wait_for(lambda: running.http.get("/health/ready").status_code == 200)
        assert running.finished(job_ids[-1])["images"]["measured"] == 60
    shop.check_truth(*job_ids)
    assert max(shop.requests().values()) <= 2


def wait_for_start(running: RunningService, starts: int) -> None:
    """Waits until PostgreSQL has started more often than that."""
    wait_for(lambda: count_starts(running) > starts)


def count_starts(running: RunningService) -> int:
    """How often PostgreSQL has begun to take connections, also after a crash of one of its processes."""
    log = running.data_dir / "postgres" / "server.log"
    return log.read_text().count("database system is ready to accept connections")


def test_a_database_away_for_longer_than_the_stale_time_costs_no_photo(
    shop: Shop, postgres: Postgres
) -> None:
    """When it is back all workers look silent; none is taken for dead, and nothing is fetched again."""
    gate = shop.gate()
    running = shop.serve(workers=2, RETAILPULSE_DATABASE_URL=postgres.url)
    job_id = submit(running, shop.photos(40, before=gate))
    shop.wait_for_requests(16)
    ((before,),) = postgres.ask("SELECT max(beat_at) FROM workers")
    postgres.stop()
    pass_seconds(STALE_SECONDS + 1, since=time.monotonic())
    postgres.start()
    wait_for(lambda: postgres.ask("SELECT FROM workers WHERE beat_at > %s", before))
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 40
    postgres.check_truth(job_id)
    assert "taken for dead" not in running.log()
    assert set(shop.requests().values()) == {1}


def test_a_stop_while_the_database_stands_still(shop: Shop) -> None:
    """A worker waits a little beyond its grace time, and is not killed; a sweep puts its images back."""
    running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="1")
    job_id = submit(running, shop.photos(20, before=shop.gate()))
    shop.wait_for_requests(16)
    (worker,) = running.pids()["worker"]
    with frozen(running.pids()["postgres"][0]):
        os.kill(worker, signal.SIGTERM)
        wait_for(lambda: f"worker (process {worker}) ended with code 0" in running.log())
    shop.open_gates()
    assert running.finished(job_id)["images"]["measured"] == 20
    shop.check_truth(job_id)


def test_every_session_ended_in_the_middle_of_the_work(shop: Shop) -> None:
    """Recovery is bounded, repeated work is bounded."""
    gate = shop.gate()
    running = shop.serve(workers=2)
    pids = running.pids()
    url = embedded_url(shop.folder)
    first = submit(running, shop.photos(80, before=gate))
    shop.wait_for_requests(16)
    end_sessions(url, sessions(url))
    gate.set()
    running.finished(first)
    second = submit(running, shop.photos(5))
    running.finished(second)
    shop.check_truth(first, second)
    assert max(shop.requests().values()) <= 2
    assert running.pids() == pids


def test_only_the_listening_session_ended(shop: Shop) -> None:
    """Recovery is bounded: new jobs are heard of at once again, although nobody looks for them any more."""
    running = shop.serve(RETAILPULSE_WORKER_SWEEP_SECONDS="600")
    url = embedded_url(shop.folder)
    first = submit(running, shop.photos(1))
    running.finished(first)
    listening = sessions(url, listening=True)
    assert len(listening) == 1
    end_sessions(url, listening)
    wait_for(lambda: sessions(url, listening=True) - listening)
    second = submit(running, shop.photos(1))
    running.finished(second)
    shop.check_truth(first, second)


@pytest.mark.slow
def test_a_database_that_stands_still_for_a_while_under_load(shop: Shop, lasting: Lasting) -> None:
    """Refusals are honest: in time, and what was refused is not there afterwards either."""
    running = shop.serve()
    pids = running.pids()
    submitter = Submitter(running.url, shop.photos)
    with submitter.at_work():
        submitter.wait_until_accepted(5)
        with frozen(pids["postgres"][0]):
            frozen_at = time.monotonic()
            submitter.wait_until_refused(2 * THREADS)
            assert status_of(running, submitter.accepted()[0]) == 503
            pass_seconds(lasting(4, 60), since=frozen_at)
        submitter.wait_until_accepted(5)
    wait_until_ended(running, submitter.accepted())
    submitter.check_refusals()
    url = embedded_url(shop.folder)
    assert submitter.lost(url) == set()
    with_unknown_commit = submitter.with_unknown_commit(url)  # frozen between the commit and its confirmation
    assert len(with_unknown_commit) <= THREADS
    shop.check_truth(*submitter.accepted(), *with_unknown_commit)
    assert running.pids() == pids
