"""What a filter of a list costs: the buffers that a page touches do not grow with what does not fit."""

from collections.abc import Awaitable, Callable

import pytest

from retailpulse.storage.jobs.list import JobFilter, read_jobs
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm, read_page
from tests.storage.jobs import KNOWN, submit_visits
from tests.storage.scheduling.buffers import metered

OTHERS = 20_000
MOST_BUFFERS = 150
ROWS = ResultForm(page_format=PageFormat.JSON_ROWS)
_JOBS = """
    INSERT INTO jobs (job_id, status, depth, images, name, labels, priority, submitted_at)
    SELECT gen_random_uuid(), (ARRAY['ongoing', 'completed', 'failed'])[1 + n %% 3], 'decode', 1, %(name)s,
        '{}', 0, now() - n * interval '1 minute'
    FROM generate_series(1, %(count)s) n
"""
_RESULTS = """
    INSERT INTO results (job_id, image_no, outcome, tries, format, width, height, suspect)
    SELECT %s, n, 'measured', 1, 'png', 9, 9, CASE WHEN n %% 5000 = 7 THEN 'zeroed' END
    FROM generate_series(1, %s) n
"""


async def buffers_of(database: Database, step: Callable[[Connection], Awaitable[object]]) -> int:
    """The buffers of a step, done once before for what is read only the first time."""
    async with metered(database) as (connection, meter):
        await step(connection)
        return await meter.buffers(lambda: step(connection))


@pytest.mark.parametrize("others", ["another", None, "week 470"], ids=["named", "nameless", "longer"])
async def test_jobs_of_a_name_are_read_alone(database: Database, others: str | None) -> None:
    async with database.connection() as connection:
        for name, count in ((others, OTHERS), ("week 47", 40)):
            await connection.execute(_JOBS, {"name": name, "count": count})
        await connection.execute("ANALYZE jobs")

    async def step(connection: Connection) -> None:
        found = await read_jobs(connection, JobFilter(name="week 47"), after=None, limit=20)
        assert [job.name for job in found] == ["week 47"] * 20
        assert [job.submitted_at for job in found] == sorted(
            (job.submitted_at for job in found), reverse=True
        )

    assert await buffers_of(database, step) < MOST_BUFFERS


async def test_of_a_name_that_most_jobs_have_the_newest_are_read_alone(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(_JOBS, {"name": "nightly", "count": OTHERS})
        await connection.execute("ANALYZE jobs")

    async def step(connection: Connection) -> None:
        assert len(await read_jobs(connection, JobFilter(name="nightly"), after=None, limit=20)) == 20

    assert await buffers_of(database, step) < MOST_BUFFERS


@pytest.mark.parametrize("is_analyzed", [True, False])
async def test_suspect_results_are_found_without_the_others(database: Database, is_analyzed: bool) -> None:
    job_id = await submit_visits(database, (KNOWN[0], [f"http://a/{number}" for number in range(OTHERS)]))
    async with database.connection() as connection:
        await connection.execute(_RESULTS, [job_id, OTHERS])
        if is_analyzed:
            await connection.execute("ANALYZE")

    async def step(connection: Connection) -> None:
        page = await read_page(connection, job_id, ResultFilter(suspect=True), ROWS, after=0, limit=100)
        assert len(page.lines) == 4

    assert await buffers_of(database, step) < MOST_BUFFERS
