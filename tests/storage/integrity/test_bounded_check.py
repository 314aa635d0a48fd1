"""Checks that pages begin: one at a time, ended after a time or from outside, and kept with their result."""

import asyncio
import threading

import psycopg
import pytest

from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.errors import Conflict, TooSlow
from retailpulse.service import Checks
from retailpulse.storage import locks
from retailpulse.storage.integrity.bounded_check import BoundedCheck
from retailpulse.storage.integrity.check import STEPS
from retailpulse.storage.integrity.runs import BROKEN_OFF, MOST_KEPT, CheckRow
from retailpulse.storage.postgres.database import Database
from tests.storage.checking import THRESHOLDS, change, whole_job
from tests.waiting import within
from tests.worker.working import rows, until

BLOCK = "LOCK TABLE review_history, deliveries IN ACCESS EXCLUSIVE MODE"


async def ended(database: Database, checks: Checks) -> CheckRow:
    """The newest check, once it has ended."""

    await until(lambda: rows(database, "SELECT count(*) FROM checks WHERE ended_at IS NULL") == [(0,)])
    return (await checks.latest())[0]


def checks_over(database: Database, stop: asyncio.Event | None = None, seconds: float = 60.0) -> Checks:
    return Checks(database, WorkerSettings(), stop or asyncio.Event(), seconds)


async def test_a_check_keeps_what_it_found_and_when(database: Database) -> None:
    await whole_job(database)
    checks = checks_over(database)
    assert await checks.latest() == []
    await checks.start("a key")
    row = await ended(database, checks)
    assert row.report is not None
    assert (row.begun_by, row.report.jobs, row.report.images, row.report.findings) == ("a key", 1, 10, ())
    change(database, "DELETE FROM results WHERE image_no = 5")
    await checks.start("")
    row = await ended(database, checks)
    assert row.report is not None
    assert {finding.name for finding in row.report.findings} >= {"result_missing", "job_counters"}
    assert [one.begun_by for one in await checks.latest()] == ["", "a key"]


async def test_one_check_at_a_time_goes_on_over_all_processes(database: Database) -> None:
    one, other = checks_over(database), checks_over(database)
    with psycopg.connect(database.url) as blocking:
        blocking.execute(BLOCK)
        await one.start("")
        for checks in (one, other):
            with pytest.raises(Conflict, match="goes on already"):
                await checks.start("")
        assert (await other.latest())[0].is_running
    await ended(database, one)
    await other.start("")
    await ended(database, other)


async def test_a_check_tells_how_far_it_is(database: Database) -> None:
    checks = checks_over(database)
    with psycopg.connect(database.url) as blocking:
        blocking.execute(BLOCK)
        await checks.start("")
        await until(lambda: rows(database, "SELECT done FROM checks") > [(0,)])
        row = (await checks.latest())[0]
    assert 0 < row.done < row.total == STEPS
    await ended(database, checks)


async def test_a_check_that_takes_too_long_is_ended_and_says_so(database: Database) -> None:
    checks = checks_over(database, seconds=0.5)
    with psycopg.connect(database.url) as blocking:
        blocking.execute(BLOCK)
        await checks.start("")
        row = await ended(database, checks)
    assert row.report is None
    assert str(row.failure).startswith("it took longer than")


async def test_a_process_that_stops_ends_its_check(database: Database) -> None:
    stop = asyncio.Event()
    checks = checks_over(database, stop)
    with psycopg.connect(database.url) as blocking:
        blocking.execute(BLOCK)
        await checks.start("")
        stop.set()
        row = await ended(database, checks)
    assert row.failure == "the process that ran it was told to stop"


async def test_a_check_of_a_process_that_is_gone_is_broken_off_and_keeps_none_back(
    database: Database,
) -> None:
    change(database, "INSERT INTO checks (begun_by, beat_at) VALUES ('', now() - interval '1 hour')")
    checks = checks_over(database)
    (row,) = await checks.latest()
    assert (row.is_running, row.failure) == (False, BROKEN_OFF)
    await checks.start("")
    assert (await ended(database, checks)).report is not None
    assert [one.failure for one in await checks.latest()] == [None, BROKEN_OFF]


async def test_the_database_lets_one_check_work_even_if_its_row_is_gone(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [locks.CHECK])
        with pytest.raises(Conflict):
            BoundedCheck(database.url, THRESHOLDS, 60.0).run()
    assert BoundedCheck(database.url, THRESHOLDS, 60.0).run().findings == ()


async def test_a_check_is_cancelled_in_the_middle_of_a_statement(database: Database) -> None:
    check = BoundedCheck(database.url, THRESHOLDS, 60.0)
    with psycopg.connect(database.url) as blocking:
        blocking.execute(BLOCK)
        working = asyncio.create_task(asyncio.to_thread(check.run))
        await until(lambda: rows(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") > [(0,)])
        threading.Thread(target=check.cancel).start()
        with pytest.raises(TooSlow, match="told to stop"):
            await within(working)


async def test_old_checks_are_not_kept(database: Database) -> None:
    change(
        database,
        "INSERT INTO checks (begun_by, ended_at, failure)"
        " SELECT n::text, now(), 'x' FROM generate_series(1, 30) n",
    )
    checks = checks_over(database)
    await checks.start("last")
    await ended(database, checks)
    found = await checks.latest()
    assert (len(found), found[0].begun_by) == (MOST_KEPT, "last")
