"""Breaks what the tables hold, checks their invariants, and has what is broken mended."""

from uuid import UUID

import psycopg

from retailpulse.fetch import origin_key
from retailpulse.storage.integrity.check import Finding, StaleThresholds, check_invariants
from retailpulse.storage.integrity.repair import repair
from retailpulse.storage.postgres.database import Database
from tests.storage.jobs import failed, measured, submit
from tests.storage.settled import settle

URLS = [f"http://photos.example/{number}.png" for number in range(10)]
THRESHOLDS = StaleThresholds(sweep_seconds=0.1, stale_seconds=60.0, margin_seconds=0.1)
"""Looks again soon: no worker is there whose sweeps would have to be waited for."""
LIVING = "INSERT INTO workers DEFAULT VALUES"
"""A worker that has just said that it is alive."""


async def whole_job(database: Database, *failures: int) -> UUID:
    """A job of ten images that has ended, some of them failed."""
    job_id = await submit(database, URLS)
    for number in range(1, 11):
        outcome = failed if number in failures else measured
        await settle(database, [outcome(job_id, number)])
    change(database, "DELETE FROM slices")  # they were settled without being claimed
    return job_id


def change(database: Database, *statements: str) -> None:
    """Does to the rows what no part of the service would."""
    with psycopg.connect(database.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(database: Database) -> dict[str, Finding]:
    """What is broken, by the name of its invariant."""
    return {finding.name: finding for finding in check_invariants(database.url, THRESHOLDS).findings}


async def mended(database: Database) -> list[str]:
    """What a repair says that it mended."""
    report = check_invariants(database.url, THRESHOLDS)
    async with database.transaction() as connection:
        return await repair(connection, report, THRESHOLDS, origin_key)
