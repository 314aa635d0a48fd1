"""A cancelled job is let go of at once: what waits, what runs, and also where its workers missed the news."""

from collections.abc import Callable

from tests.running import wait_for
from tests.scheduling.stage import CAP, Stage, ask

Staging = Callable[..., Stage]
LATENCY_MS = 2_000
HEARD_SECONDS = 0.5
UNHEARD_SECONDS = 1.5
"""A beat later than who heard of it, and a little."""
_CUT_LISTENERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query ILIKE 'listen%' AND pid <> pg_backend_pid()
"""


def test_a_cancel_aborts_what_runs_and_nothing_else_begins(stage: Staging) -> None:
    slow = stage()
    job_id = slow.submit_big(LATENCY_MS, 5_000)
    slow.wait_until_full()
    cancelled_at = slow.cancel(job_id)
    wait_for(lambda: slow.origin.count().in_flight == 0, LATENCY_MS / 1_000)
    assert slow.origin.count().aborted >= CAP // 2
    _serve_another(slow)
    assert [at - cancelled_at for at in slow.begun("big") if at > cancelled_at + HEARD_SECONDS] == []
    assert slow.held() == 0


def test_a_cancel_that_no_worker_heard_of_is_found_at_the_next_beat(stage: Staging) -> None:
    slow = stage()
    job_id = slow.submit_big(LATENCY_MS, 5_000)
    slow.wait_until_full()
    assert ask(slow.database_url, _CUT_LISTENERS)
    cancelled_at = slow.cancel(job_id)
    wait_for(lambda: slow.origin.count().in_flight == 0, 2 * LATENCY_MS / 1_000)
    _serve_another(slow)
    assert [at - cancelled_at for at in slow.begun("big") if at > cancelled_at + UNHEARD_SECONDS] == []


def test_a_deleted_job_leaves_its_slots_to_others(stage: Staging) -> None:
    slow = stage()
    job_id = slow.submit_big(LATENCY_MS, 5_000)
    slow.wait_until_full()
    slow.cancel(job_id)
    assert slow.running.http.delete(f"/api/v1/jobs/{job_id}").status_code in {200, 204}
    wait_for(lambda: slow.origin.count().in_flight == 0, LATENCY_MS / 1_000)
    _serve_another(slow)


def _serve_another(slow: Stage) -> None:
    """The slots are free: as many photos as there are slots are served at once."""
    job_id = slow.submit(slow.origin.urls(LATENCY_MS, "after", CAP))
    slow.wait_until_full()
    assert slow.finished(job_id)["images"]["measured"] == CAP
