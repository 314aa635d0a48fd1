"""The worker's pruning: beside its work, round by round, over outages, and told in the log."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from retailpulse.bootstrap.worker import run_worker
from retailpulse.config.settings import DatabaseSettings, MeasureSettings, RetentionSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.worker import pruner
from tests.migrated_data import start_migrated
from tests.origin import Origin
from tests.storage.ended import big_ended_job, ended_job, rows_of
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.working import LOOPBACK, QUICK, rows, until, until_over, urls

OFTEN = RetentionSettings(jobs_days=1, prune_seconds=0.05)


@contextlib.asynccontextmanager
async def pruning(database: Database, settings: RetentionSettings = OFTEN) -> AsyncIterator[None]:
    """The loop alone, while the block runs."""
    running = asyncio.create_task(pruner.prune_forever(database, settings))
    try:
        yield
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_what_was_learnt_of_hosts_long_ago_goes_and_they_with_it_in_the_end(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO hosts (origin, cap, leased, learnt_at) VALUES ('old', 3, 0, now() - interval '2 h'),"
            " ('in use', 3, 1, now() - interval '2 h'), ('young', 3, 0, now()),"
            " ('unused', NULL, 0, now() - interval '8 days')"
        )
    known = "SELECT origin, cap FROM hosts WHERE host_id > 0 ORDER BY origin"
    async with pruning(database):
        await until(lambda: rows(database, known) == [("in use", 3), ("old", None), ("young", 3)])


async def test_a_worker_prunes_beside_its_work(database: Database) -> None:
    old = [await ended_job(database) for _ in range(3)]
    stop = asyncio.Event()
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 20))
        working = asyncio.create_task(
            run_worker(
                database,
                worker=QUICK,
                fetch=LOOPBACK,
                measure=MeasureSettings(),
                retention=OFTEN,
                stop=stop,
            )
        )
        await until(lambda: not any(rows_of(database, gone) for gone in old))
        await until_over(database, job_id)
        stop.set()
        await working
    check_truth(database.url, job_id)


async def test_a_worker_that_is_told_nothing_keeps_every_job(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = await ended_job(database, days_ago=10_000)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO idempotency_keys VALUES ('old', '', %s, now() - interval '30 hours')", [job_id]
        )
    with caplog.at_level(logging.INFO):
        async with pruning(database, RetentionSettings(prune_seconds=0.01)):
            await until(lambda: "1 idempotency keys" in caplog.text)
    assert rows_of(database, job_id) == {"jobs": 1, "job_stores": 1, "visits": 1, "images": 10, "results": 10}


async def test_a_round_is_bounded_and_the_next_one_goes_on(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruner, "ROUND_STEPS", 2)
    job_id = await ended_job(database)
    with caplog.at_level(logging.INFO):
        async with pruning(database):
            await until(lambda: not rows_of(database, job_id))
    told = [record.getMessage() for record in caplog.records if record.name == pruner.__name__]
    assert told[:2] == [
        "pruned 1 jobs of 10 images, 1 rows, 0 idempotency keys",
        "pruned 0 jobs of 0 images, 11 rows, 0 idempotency keys",
    ]


async def test_workers_that_prune_at_once_delete_every_row_once(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruner, "STEP_ROWS", 100)
    job = await ended_job(database)
    big_ended_job(database, big := UUID(int=1), 2_000)
    with caplog.at_level(logging.INFO):
        async with pruning(database), pruning(database), pruning(database):
            await until(lambda: not rows_of(database, job) and not rows_of(database, big))
            await until(lambda: sum(map(int, re.findall(r"(\d+) rows", caplog.text))) == 22 + 4_001)
    assert caplog.text.count("pruned 2 jobs of 2010 images") == 1


async def test_the_pruning_waits_for_a_database_that_is_away(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = EmbeddedServer(folder / "data")
    database = Database(start_migrated(server), DatabaseSettings(wait_seconds=0.2))
    await database.open()
    again = EmbeddedServer(folder / "data")
    try:
        job_id = await ended_job(database)
        await asyncio.to_thread(server.stop)
        async with pruning(database):
            await until(lambda: "the pruning waits for the database" in caplog.text)
            await asyncio.to_thread(again.start)
            await until(lambda: not rows_of(database, job_id))
    finally:
        await database.close()
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(again.stop)
