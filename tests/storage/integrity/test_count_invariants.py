"""Counts of causes, stores and states: what is not as the rows say is found, and mended by them."""

import pytest

from retailpulse.domain.flags import Flag
from retailpulse.storage.metrics import throughput
from retailpulse.storage.postgres.database import Database
from tests.storage.checking import URLS, change, found, mended
from tests.storage.jobs import failed, submit
from tests.storage.results.flagged import flagged
from tests.storage.scaling import SCALING
from tests.storage.settled import settle

STORES = "counts of stores set to what the visits and results say: 1"
CAUSES = "counts of causes set to what the results say: 1"
STATES = "counts of jobs by state set to what there are: 1"
BROKEN: dict[str, tuple[str, dict[str, list[str]]]] = {
    "a cause is counted too often": (
        """UPDATE jobs SET causes = '{"http_status": 7}'""", {"cause_counters": [CAUSES]}),
    "a store counts too few": ("UPDATE job_stores SET flagged = 0", {"job_stores": [STORES]}),
    "a store counts another cause": (
        """UPDATE job_stores SET causes = '{"timeout": 1}'""", {"job_stores": [STORES]}),
    "a store is not counted": ("DELETE FROM job_stores", {"job_stores": [STORES]}),
    "a store is counted in vain": (
        "INSERT INTO job_stores SELECT job_id, 2, 'other', 1 FROM job_stores", {"job_stores": []}),
    "a job is counted that is not there": (
        "INSERT INTO job_counts VALUES ('ongoing', false, -5, 1)", {"job_counts": [STATES]}),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_is_not_as_the_rows_say_is_found_and_mended(database: Database, broken: str) -> None:
    statement, says = BROKEN[broken]
    job_id = await submit(database, URLS[:3])
    change(database, "DELETE FROM slices")
    await settle(database, [flagged(job_id, 1, Flag.DARK), failed(job_id, 2), failed(job_id, 3)])
    assert found(database) == {}
    change(database, statement)
    assert set(found(database)) == set(says)
    assert await mended(database) == [line for lines in says.values() for line in lines]
    assert found(database) == {}


async def test_jobs_are_counted_by_their_states_and_added_up(database: Database) -> None:
    job_id = await submit(database, URLS[:2])
    await submit(database, URLS[:2])
    await settle(database, [failed(job_id, 1), failed(job_id, 2)])
    for _ in range(2):
        async with database.connection() as connection:
            counts = (await throughput.read_statistics(connection, 60, SCALING)).jobs
        assert counts == {"ongoing": 1, "failed": 1, "completed": 0, "cancelled": 0}
        async with database.transaction() as connection:
            await throughput.roll_up_minutes(connection, 1_000)
            cursor = await connection.execute("SELECT DISTINCT session FROM job_counts")
            assert await cursor.fetchall() == [(0,)]
