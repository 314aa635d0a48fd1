"""Pruning: a job vanishes at once and whole, its rows follow, and nothing else is touched."""

from datetime import timedelta
from uuid import UUID

from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.metrics import throughput
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import visits
from retailpulse.storage.stores.visits import VisitFilter
from retailpulse.worker.pruner import Pruner, Step
from tests.storage.claiming import in_line
from tests.storage.ended import URLS, ended_job, rows, rows_of
from tests.storage.jobs import KNOWN, submit
from tests.storage.scaling import SCALING

DAY = timedelta(days=1)
EVERYTHING = VisitFilter(store_ids=(KNOWN[0],))


async def prune(database: Database, *, age: timedelta | None = DAY) -> Step:
    """Prunes to the end."""
    pruner = Pruner(database, jobs_age=age, keys_age=DAY, wait=True)
    return sum([step async for step in pruner.steps()], Step())


async def seen_visits(database: Database) -> dict[UUID, int]:
    """What GET /api/visits shows: each visit's job and perimeter."""
    async with database.connection() as connection:
        page = await visits.read_visits(connection, EVERYTHING, after=None, limit=100)
    return {visit.place.job_id: visit.perimeter for visit in page}


async def test_a_job_that_ended_long_ago_goes_with_all_that_belongs_to_it(database: Database) -> None:
    old = [await ended_job(database, status=status) for status in ("completed", "failed", "cancelled")]
    young = await ended_job(database, days_ago=0.5)
    ongoing = await submit(database, URLS)
    kept = rows_of(database, young), rows_of(database, ongoing)
    done = await prune(database)
    assert (done.jobs, done.images, done.rows) == (3, 30, 3 * (1 + 1 + 10 + 10))
    assert [rows_of(database, job_id) for job_id in old] == [{}, {}, {}]
    assert (rows_of(database, young), rows_of(database, ongoing)) == kept
    assert in_line(database, ongoing) == list(range(1, 11))
    assert await prune(database) == Step()


async def test_a_job_is_out_of_sight_before_its_first_row_is_deleted(database: Database) -> None:
    job_id, young = await ended_job(database), await ended_job(database, days_ago=0.5)
    assert set(await seen_visits(database)) == {job_id, young}
    async with database.transaction() as connection:
        assert (await pruning.hide_old(connection, DAY, 10)).jobs == 1
    assert set(await seen_visits(database)) == {young}
    left = rows_of(database, job_id)
    assert left == {"visits": 1, "job_stores": 1, "images": 10, "results": 10, "pruned_jobs": 1}


async def test_no_visit_is_ever_seen_without_all_its_results(database: Database) -> None:
    job_id, young = await ended_job(database), await ended_job(database, days_ago=0.5)
    whole = await seen_visits(database)
    async with database.transaction() as connection:
        await pruning.hide_old(connection, DAY, 10)
        ranges = await pruning.remains(connection, job_id, 3)
    assert [part.table for part in ranges[:3]] == ["visits", "job_stores", "results"]
    for part in ranges:
        async with database.transaction() as connection:
            assert await pruning.delete(connection, part) in {1, 3}
        assert await seen_visits(database) == {young: whole[young]}


async def test_who_comes_after_one_that_was_killed_goes_on_where_that_one_was(database: Database) -> None:
    job_id = await ended_job(database)
    async for step in Pruner(database, jobs_age=DAY, keys_age=DAY, wait=True).steps():
        if step.rows:
            break
    assert "visits" not in rows_of(database, job_id)
    assert rows_of(database, job_id)["results"] == 10
    assert (await prune(database, age=None)).rows == 21
    assert rows_of(database, job_id) == {}


async def test_without_an_age_jobs_are_kept_for_ever(database: Database) -> None:
    job_id = await ended_job(database, days_ago=10_000)
    assert await prune(database, age=None) == Step()
    assert rows_of(database, job_id)["jobs"] == 1


async def test_an_age_before_all_calendars_keeps_everything(database: Database) -> None:
    job_id = await ended_job(database, days_ago=10_000)
    assert await prune(database, age=timedelta.max) == Step()
    assert rows_of(database, job_id)["jobs"] == 1


async def test_an_ongoing_job_is_never_touched_however_old(database: Database) -> None:
    job_id = await submit(database, URLS)
    async with database.connection() as connection:
        await connection.execute("UPDATE jobs SET submitted_at = '2001-01-01', finished_at = '2001-01-02'")
        assert await pruning.count_old(connection, DAY) == pruning.Old(jobs=0, images=0)
    assert await prune(database) == Step()
    assert rows_of(database, job_id)["jobs"] == 1


async def test_keys_go_with_their_job_and_by_their_age(database: Database) -> None:
    old, young = await ended_job(database), await ended_job(database, days_ago=0.5)
    async with database.connection() as connection:
        await connection.cursor().executemany(
            "INSERT INTO idempotency_keys VALUES (%s, '', %s, now() - make_interval(hours => %s))",
            [("of the old", old, 1), ("too old", young, 30), ("young", young, 1)],
        )
    assert (await prune(database)).keys == 1
    assert rows(database, "SELECT key FROM idempotency_keys") == [("young",)]


async def test_one_prunes_at_a_time_and_who_does_not_wait_leaves(database: Database) -> None:
    job_id = await ended_job(database)
    async with database.transaction() as other:
        assert await pruning.lock(other, wait=False)
        impatient = Pruner(database, jobs_age=DAY, keys_age=DAY, wait=False)
        assert [step async for step in impatient.steps()] == []
    assert rows_of(database, job_id)["jobs"] == 1
    assert [step async for step in impatient.steps()] != []
    assert rows_of(database, job_id) == {}


async def test_counters_of_what_was_settled_go_once_nobody_asks_for_them(database: Database) -> None:
    await submit(database, URLS)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM settled_minutes")
        await connection.execute(
            "INSERT INTO settled_minutes"
            " SELECT date_trunc('minute', now()) - n * interval '1 hour', 1, 'measured', '', 'header', 1, 10"
            " FROM generate_series(0, 30) n"
        )
        await prune(database)
        cursor = await connection.execute("SELECT count(*) FROM settled_minutes")
        assert await cursor.fetchone() == (25,)
        told = await throughput.read_statistics(connection, 8.0, SCALING)
    assert [(some.images, some.bytes) for some in told.day] == [(24, 240)]
    assert [some.images for some in told.hour] == [1]
