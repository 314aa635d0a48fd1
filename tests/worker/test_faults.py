"""Images that nobody has, a database that goes away, a fault of ours: every image still ends once."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from retailpulse.bootstrap.worker import run_worker
from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.errors import UNEXPECTED, DatabaseUnavailable
from retailpulse.domain.images import Header
from retailpulse.measure import Work, read_header
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.scheduling import workers
from retailpulse.worker import image_task
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.working import LOOPBACK, QUICK, requests, rows, until, until_over, urls, working


async def run(database: Database, statement: LiteralString, *values: object) -> None:
    """Runs a statement in a thread: it may have to wait for a lock that the worker of this test holds."""
    await asyncio.to_thread(_run, database, statement, *values)


def _run(database: Database, statement: LiteralString, *values: object) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(statement, values)


async def test_a_worker_that_was_swept_while_it_lived_begins_anew_and_settles_each_image_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 8, before=gate))
        async with working(database):
            await until(lambda: origin.busy == 8)
            everyone = [worker_id for (worker_id,) in rows(database, "SELECT worker_id FROM workers")]
            async with database.transaction() as connection:
                await workers.leave(connection, everyone)  # as a sweep does it
            await until(lambda: "this worker was taken for dead" in caplog.text)
            gate.set()
            await until_over(database, job_id)
    check_truth(database.url, job_id)


@contextmanager
def away(database: Database, postgres: EmbeddedServer) -> Iterator[None]:
    """A database that lets nobody in while the block runs."""
    name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(str(name)), sql.Literal(False)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        connection.execute(allow.format(sql.Identifier(str(name)), sql.Literal(True)))


async def test_a_worker_stops_while_its_database_is_away(
    database: Database, postgres: EmbeddedServer
) -> None:
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 1))
        stop = asyncio.Event()
        running = asyncio.create_task(
            run_worker(database, worker=QUICK, fetch=LOOPBACK, measure=MeasureSettings(), stop=stop)
        )
        await until_over(database, job_id)
        with away(database, postgres):
            stop.set()
            done, _ = await asyncio.wait({running}, timeout=20)
    assert done


async def test_a_database_that_is_away_for_a_while_repeats_no_download(
    database: Database, postgres: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 8, before=gate))
        async with working(database):
            await until(lambda: origin.busy == 8)
            with away(database, postgres):
                gate.set()
                await until(lambda: "the writing of results waits for the database" in caplog.text)
            await until_over(database, job_id)
        assert set(requests(origin).values()) == {1}
    check_truth(database.url, job_id)


async def test_a_worker_that_waits_for_its_database_says_so_once_and_once_that_it_is_back(
    database: Database,
    postgres: EmbeddedServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries, failed = Counter[str](), OutageLog.failed

    def count(outages: OutageLog, error: DatabaseUnavailable, **fields: object) -> None:
        tries[outages.subject] += 1
        failed(outages, error, **fields)

    monkeypatch.setattr(OutageLog, "failed", count)
    caplog.set_level(logging.INFO)
    async with working(database):
        with away(database, postgres):
            await until(lambda: tries["the scheduling"] > 3)
        await until(lambda: "the scheduling has the database again" in caplog.text)
    for subject in tries:
        assert caplog.text.count(f"{subject} waits for the database: ") == 1
        assert caplog.text.count(f"{subject} has the database again, after ") <= 1


async def test_an_image_that_makes_this_program_stumble_harms_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(data: bytes, max_pixels: int, work: Work) -> Header | None:
        if data.startswith(b"stumble"):
            raise RecursionError("a fault of ours")
        return read_header(data, max_pixels, work)

    monkeypatch.setattr(image_task, "read_header", stumble)  # the readers are not known to do it
    with Origin() as origin:
        bad = origin.serve("/bad.png", Reply(body=b"stumble"))
        job_id = await submit(database, [*urls(origin, 3), bad])
        async with working(database):
            await until_over(database, job_id)
        assert max(requests(origin).values()) == 1
    check_truth(database.url, job_id)
    assert rows(database, "SELECT image_no, cause, detail FROM results WHERE outcome = 'failed'") == [
        (4, "decoder_crashed", UNEXPECTED)
    ]


async def test_a_worker_whose_tables_are_gone_ends_with_the_error(database: Database) -> None:
    await run(database, "DROP TABLE slices")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await run_worker(
            database, worker=QUICK, fetch=LOOPBACK, measure=MeasureSettings(), stop=asyncio.Event()
        )
