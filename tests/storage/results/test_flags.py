"""Flags are counted in their jobs and listed by store and area, whatever raises them or takes them back."""

import asyncio
import random
from uuid import UUID

import psycopg
import pytest

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause
from retailpulse.domain.stores import StoreRow
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.results.flags import change_flags
from retailpulse.storage.stores import moved_photos
from retailpulse.storage.stores.load import import_stores
from tests.running import wait_for
from tests.storage.checking import change, found
from tests.storage.jobs import KNOWN, failed, measured, submit, submit_visits
from tests.storage.results.flagged import counts, flagged, listed
from tests.storage.settled import settle

BLURRED, SOFT, DARK, BLANK = Flag.BLURRED, Flag.SOFT, Flag.DARK, Flag.BLANK
CORNER_SHOP, MARKET_HALL = KNOWN
AREA = "7100015"
A, B, C, D = (f"http://photos.example/{name}.png" for name in "abcd")


async def flags_of(database: Database, job_id: UUID) -> list[list[str] | None]:
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT flags FROM results WHERE job_id = %s ORDER BY image_no", [job_id]
        )
        return [flags for (flags,) in await cursor.fetchall()]


async def changed(
    database: Database, job_id: UUID, *numbers: int, add: tuple[Flag, ...] = (), drop: tuple[Flag, ...] = ()
) -> int:
    async with database.transaction() as connection:
        return await change_flags(connection, job_id, numbers, add=add, drop=drop)


async def test_flags_are_counted_by_what_was_really_inserted_copies_in_other_stores_too(
    database: Database,
) -> None:
    job_id = await submit_visits(database, (CORNER_SHOP, [A, B]), (MARKET_HALL, [A, C, D]))
    change(database, "DELETE FROM slices")
    results = [flagged(job_id, 1, DARK, BLANK), measured(job_id, 2), flagged(job_id, 4, DARK)]
    assert await settle(database, results) == 4
    assert await settle(database, [*results, failed(job_id, 5)]) == 1
    assert await counts(database, job_id) == (3, {"dark": 3, "blank": 2})
    assert await listed(database, job_id) == [
        (1, "blank", CORNER_SHOP, AREA),
        (1, "dark", CORNER_SHOP, AREA),
        (3, "blank", MARKET_HALL, AREA),
        (3, "dark", MARKET_HALL, AREA),
        (4, "dark", MARKET_HALL, AREA),
    ]
    assert found(database) == {}
    async with database.transaction() as connection:
        await retry_job(connection, job_id, causes=[Cause.HTTP_STATUS], origin_of=origin_key)
    assert await counts(database, job_id) == (3, {"dark": 3, "blank": 2})


async def test_flags_that_come_and_go_later_move_results_list_and_counts_in_the_order_of_all_flags(
    database: Database,
) -> None:
    job_id = await submit(database, [A, B, C, D])
    change(database, "DELETE FROM slices")
    await settle(database, [flagged(job_id, 1, DARK), measured(job_id, 2), failed(job_id, 3)])
    assert await changed(database, job_id, 1, 2, 3, 4, 99, add=(BLURRED, DARK)) == 2
    assert await flags_of(database, job_id) == [["blurred", "dark"], ["blurred", "dark"], None]
    assert await counts(database, job_id) == (2, {"blurred": 2, "dark": 2})
    assert await changed(database, job_id, 1, 2, add=(BLURRED,)) == 0
    assert await changed(database, job_id, 1, 2, add=(SOFT,), drop=(BLURRED,)) == 2
    assert await changed(database, job_id, 2, drop=(SOFT, DARK)) == 1
    assert await flags_of(database, job_id) == [["soft", "dark"], None, None]
    assert await counts(database, job_id) == (1, {"dark": 1, "soft": 1})
    assert await listed(database, job_id) == [(1, "dark", CORNER_SHOP, AREA), (1, "soft", CORNER_SHOP, AREA)]
    await settle(database, [measured(job_id, 4)])
    assert found(database) == {}


async def test_settles_and_changes_of_flags_at_once_never_deadlock_and_count_each_once(
    database: Database,
) -> None:
    chance = random.Random(7)
    job_ids = sorted([await submit(database, [f"{A}?{no}" for no in range(40)]) for _ in range(3)])
    change(database, "DELETE FROM slices")
    results = [flagged(job_id, no, BLURRED) for job_id in job_ids for no in range(1, 41)]

    async def raise_some() -> None:
        for _ in range(8):
            async with database.transaction() as connection:
                for job_id in job_ids:
                    numbers = chance.sample(range(1, 41), 25)
                    await change_flags(connection, job_id, numbers, add=[DARK], drop=[BLURRED])

    parts = [chance.sample(results, 80) for _ in range(6)]
    await asyncio.gather(*(settle(database, part) for part in parts), raise_some(), raise_some())
    await settle(database, results)
    await raise_some()  # those before may all have come before the first settle
    assert found(database) == {}
    assert [await counts(database, job_id) for job_id in job_ids] != [(40, {"blurred": 40})] * 3


async def test_photos_move_with_their_store_to_its_new_area_also_those_that_are_settled_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_photos, "STEP_ROWS", 1)
    job_id = await submit(database, [A, B, C])
    change(database, "DELETE FROM slices")
    await settle(database, [flagged(job_id, 1, DARK)])
    moved = [StoreRow(line=2, area_code="7200", store_name="Corner Shop", store_id=CORNER_SHOP)]

    async def import_it() -> None:
        await asyncio.to_thread(import_stores, database.url, moved, skips_bad=False, is_dry=False)

    async with database.transaction() as connection:
        await settling.settle(connection, [flagged(job_id, 2, DARK)])  # has seen the area of before
        importing = asyncio.create_task(import_it())
        await asyncio.to_thread(wait_for, lambda: waiting_sessions(database) == 1)
        later = asyncio.create_task(settle(database, [flagged(job_id, 3, DARK)]))
        await asyncio.to_thread(wait_for, lambda: waiting_sessions(database) == 2)
    await asyncio.gather(importing, later)
    assert await listed(database, job_id) == [(no, "dark", CORNER_SHOP, "7200") for no in (1, 2, 3)]
    assert found(database) == {}


def waiting_sessions(database: Database) -> int:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'flagged_photos'::regclass"
        ).fetchone()
    return row[0] if row else 0
