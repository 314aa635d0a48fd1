"""A worker that is frozen and wakes up again: others go on without it, and it does no harm afterwards.

Promises: every image ends with exactly one result, the job ends, recovery is bounded.
"""

import signal

import pytest

from tests.faults.breaking import Session, ask, asleep, further_worker, holding, waiting, with_signal
from tests.lifecycle.processes import IN_FLIGHT, Shop, submit
from tests.origin import Reply
from tests.running import RunningService, wait_for


def only_worker(running: RunningService) -> int:
    (pid,) = running.pids()["worker"]
    return pid


def test_a_worker_asleep_beyond_the_stale_time_does_no_harm_when_it_wakes(shop: Shop) -> None:
    """Its images are another's by then: nothing is settled twice, and it takes new work again."""
    gate = shop.gate()
    running = shop.serve()
    job_id = submit(running, [*shop.photos(20), *shop.photos(IN_FLIGHT, before=gate)])
    wait_for(lambda: running.job(job_id)["images"]["settled"] == 20)
    wait_for(lambda: shop.origin.busy == IN_FLIGHT)
    sleeper = only_worker(running)
    with further_worker(shop, "peer") as peer:
        with asleep(sleeper):
            gate.set()
            assert running.finished(job_id)["images"]["measured"] == 20 + IN_FLIGHT
        with asleep(peer.process.pid):
            later = submit(running, shop.photos(30))
            assert running.finished(later)["images"]["measured"] == 30
        shop.check_truth(job_id, later)
    assert only_worker(running) == sleeper
    assert max(shop.requests().values()) <= 2


@pytest.mark.slow
def test_a_worker_that_falls_asleep_as_it_settles_keeps_nobody_from_the_job(shop: Shop) -> None:
    """It holds the rows of its batch and its job; the database takes them back."""
    gate = shop.gate()
    running = shop.serve()
    job_id = submit(running, shop.photos(20, before=gate))
    wait_for(lambda: shop.origin.busy >= 8)
    with further_worker(shop, "peer"):
        with holding(shop, "SELECT FROM jobs WHERE job_id = %s FOR NO KEY UPDATE", job_id):
            gate.set()
            wait_for(lambda: waiting(shop, "UPDATE jobs"))
            sleeper = only_worker(running)
            with_signal(sleeper, signal.SIGSTOP)
        with asleep(sleeper):
            assert running.finished(job_id)["images"]["measured"] == 20
        shop.check_truth(job_id)
    assert only_worker(running) == sleeper


@pytest.mark.slow
def test_late_results_that_end_a_job_leave_nothing_of_it_to_others(shop: Shop) -> None:
    """What a sleeper had settled counts when it wakes, although another has its images by then."""
    gate = shop.gate()
    running = shop.serve()
    urls = shop.photos(8, before=gate)
    job_id = submit(running, urls)
    wait_for(lambda: shop.origin.busy == 8)
    sleeper = only_worker(running)
    with further_worker(shop, "peer"):
        with holding(shop, "SELECT FROM jobs WHERE job_id = %s FOR NO KEY UPDATE", job_id):
            gate.set()
            wait_for(lambda: waiting(shop, "UPDATE jobs"))
            with_signal(sleeper, signal.SIGSTOP)
        with asleep(sleeper):
            for url in urls:
                shop.origin.serve(f"/{url.rpartition('/')[2]}", Reply(before=shop.gate()))
            shop.wait_for_requests(16)
        assert running.finished(job_id)["images"]["measured"] == 8
        shop.check_truth(job_id)
    assert only_worker(running) == sleeper


SILENT_WORKER = """
    INSERT INTO workers (process, beat_at) VALUES (gen_random_uuid(), now() - interval '1 day') RETURNING 1
"""


@pytest.mark.slow
def test_a_worker_that_falls_asleep_as_it_sweeps_keeps_nobody_from_sweeping(shop: Shop) -> None:
    """It holds the sweep; the database takes it back, and others hand its images on."""
    gate = shop.gate()
    running = shop.serve()
    job_id = submit(running, shop.photos(20, before=gate))
    wait_for(lambda: shop.origin.busy >= 8)
    sleeper = only_worker(running)
    with holding(shop, "LOCK TABLE grants IN ACCESS EXCLUSIVE MODE") as session:
        ask(shop, SILENT_WORKER)
        wait_for(lambda: waiting(shop, "grants") and holds_the_sweep(session))
        with_signal(sleeper, signal.SIGSTOP)
        assert holds_the_sweep(session)
    with further_worker(shop, "peer"), asleep(sleeper):
        gate.set()
        assert running.finished(job_id)["images"]["measured"] == 20
    shop.check_truth(job_id)


def holds_the_sweep(session: Session) -> bool:
    return session.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchone() is not None


def test_no_image_is_blamed_for_the_sleep_of_its_worker(shop: Shop) -> None:
    """Every deadline is over when it wakes up; the photos come then as if nothing had been."""
    gate = shop.gate()
    running = shop.serve(
        RETAILPULSE_FETCH_STALL_SECONDS="4",
        RETAILPULSE_FETCH_TIMEOUT_SECONDS="4",
        RETAILPULSE_FETCH_DEADLINE_SECONDS="4",
    )
    job_id = submit(running, shop.photos(20, before=gate))
    wait_for(lambda: shop.origin.busy >= 8)
    sleeper = only_worker(running)
    with asleep(sleeper):
        wait_for(lambda: ask(shop, LONG_SILENT))
        gate.set()
    assert running.finished(job_id)["images"]["measured"] == 20
    shop.check_truth(job_id)
    assert only_worker(running) == sleeper


LONG_SILENT = "SELECT 1 FROM workers WHERE beat_at < now() - interval '5 seconds'"
