"""Jobs that ended some time ago, small or big, and how many rows of a job there are."""

from typing import Any, LiteralString
from uuid import UUID

import psycopg

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle
from tests.storage.jobs import measured, submit

URLS = [f"http://photos.example/{number}.png" for number in range(10)]


async def ended_job(database: Database, *, days_ago: float = 2.0, status: str = "completed") -> UUID:
    """A job all of whose images are measured, and that ended some days ago."""
    job_id = await submit(database, URLS)
    async with database.transaction() as connection:
        await settle.settle(connection, [measured(job_id, number) for number in range(1, 11)])
        await connection.execute("DELETE FROM slices WHERE job_id = %s", [job_id])
        await connection.execute(
            "UPDATE jobs SET status = %s, finished_at = now() - make_interval(secs => %s) WHERE job_id = %s",
            [status, days_ago * 86_400, job_id],
        )
    return job_id


def big_ended_job(database: Database, job_id: UUID, images: int) -> None:
    """A job of many images that was measured two days ago, by the tables alone."""
    given = {"job_id": job_id, "images": images}
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images, measured, finished_at)"
            " VALUES (%(job_id)s, 'completed', 'header', %(images)s, %(images)s, now() - interval '2 days')",
            given,
        )
        connection.execute(
            "INSERT INTO visits VALUES (%(job_id)s, 1, 'RP00001', true, '', NULL, 1, %(images)s)", given
        )
        connection.execute(
            "INSERT INTO images SELECT %(job_id)s, n, 1, '' FROM generate_series(1, %(images)s) n", given
        )
        connection.execute(
            "INSERT INTO results (job_id, image_no, outcome, width, height, tries)"
            " SELECT %(job_id)s, n, 'measured', 1, 1, 1 FROM generate_series(1, %(images)s) n",
            given,
        )


def rows(database: Database, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(query, values).fetchall()


def rows_of(database: Database, job_id: UUID) -> dict[str, int]:
    """How many rows of a job each table has."""
    tables = (
        "jobs", "visits", "job_stores", "images", "results", "flagged_photos", "slices", "grants",
        "pruned_jobs", "idempotency_keys",
    )  # fmt: skip
    with psycopg.connect(database.url) as connection:
        counted = {
            table: connection.execute(
                psycopg.sql.SQL("SELECT count(*) FROM {} WHERE job_id = %s").format(
                    psycopg.sql.Identifier(table)
                ),
                [job_id],
            ).fetchone()
            for table in tables
        }
    return {table: found[0] for table, found in counted.items() if found and found[0]}
