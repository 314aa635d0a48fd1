"""Counts of causes and of stores follow the results, whatever moves them; tables read them."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs import cancel, read, retry
from retailpulse.storage.jobs.store_pages import StoreOrder, StorePlace, StoreTable, read_store_table
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results.flags import change_flags
from tests.storage.checking import found
from tests.storage.jobs import KNOWN, failed, measured, submit_visits
from tests.storage.results.flagged import flagged
from tests.storage.settled import settle

UNKNOWN = "no such store"
FIRST = ["http://a/1", "http://a/2", "http://a/3"]


async def job_of_stores(database: Database) -> UUID:
    """Two visits of a store around one of another, and one of a store that nobody knows."""
    return await submit_visits(
        database, (KNOWN[0], FIRST), (KNOWN[1], ["http://a/4"]), (KNOWN[0], ["http://a/5"]), (UNKNOWN, ["b"])
    )


async def counted(database: Database, job_id: UUID) -> dict[str, tuple[int, int, Mapping[str, int]]]:
    """The failures, the flagged photos and the causes of each store, as they are counted."""
    async with database.connection() as connection:
        rows = await read_store_table(connection, job_id, StoreTable(), after=None, limit=100)
    assert "job_stores" not in found(database)
    assert "cause_counters" not in found(database)
    return {row.store_id: (row.failed, row.flagged, row.causes) for row in rows}


async def causes(database: Database, job_id: UUID) -> dict[str, int]:
    async with database.connection() as connection:
        return (await read.known_job(connection, job_id)).causes


async def test_stores_count_what_fails_and_what_is_flagged(database: Database) -> None:
    job_id = await job_of_stores(database)
    unknown = {"store_id_not_found": 1}
    assert await counted(database, job_id) == {
        KNOWN[0]: (0, 0, {}),
        KNOWN[1]: (0, 0, {}),
        UNKNOWN: (1, 0, unknown),
    }
    await settle(database, [failed(job_id, 1), flagged(job_id, 2, Flag.DARK, Flag.SOFT), failed(job_id, 5)])
    await settle(database, [failed(job_id, 1), measured(job_id, 4)])
    assert (await counted(database, job_id))[KNOWN[0]] == (2, 1, {"http_status": 2})
    assert (await counted(database, job_id))[KNOWN[1]] == (0, 0, {})
    assert await causes(database, job_id) == {"http_status": 2, **unknown}
    async with database.transaction() as connection:
        await change_flags(connection, job_id, [2, 4], add=[Flag.COPY], drop=[Flag.DARK])
    assert (await counted(database, job_id))[KNOWN[0]] == (2, 1, {"http_status": 2})
    assert (await counted(database, job_id))[KNOWN[1]] == (0, 1, {})
    async with database.transaction() as connection:
        await change_flags(connection, job_id, [2, 4], drop=[Flag.COPY, Flag.SOFT])
    assert (await counted(database, job_id))[KNOWN[0]] == (2, 0, {"http_status": 2})


async def test_copies_count_where_they_stand(database: Database) -> None:
    job_id = await submit_visits(
        database, (KNOWN[0], ["http://a/1"]), (KNOWN[1], ["http://a/1", "http://a/1"])
    )
    await settle(database, [failed(job_id, 1)])
    assert {store: row[0] for store, row in (await counted(database, job_id)).items()} == {
        KNOWN[0]: 1,
        KNOWN[1]: 2,
    }
    assert await causes(database, job_id) == {"http_status": 3}


async def test_a_retry_takes_counts_back_and_a_cancel_counts_none_of_a_store(database: Database) -> None:
    job_id = await job_of_stores(database)
    await settle(database, [failed(job_id, number) for number in (1, 2, 4)])
    await settle(database, [measured(job_id, 3), measured(job_id, 5)])
    async with database.transaction() as connection:
        assert (
            await retry.retry_job(connection, job_id, causes=[Cause.HTTP_STATUS], origin_of=origin_key) == 3
        )
    assert [row[0] for row in (await counted(database, job_id)).values()] == [0, 0, 1]
    assert await causes(database, job_id) == {"store_id_not_found": 1}
    async with database.transaction() as connection:
        assert await cancel.cancel_job(connection, job_id)
    assert [row[0] for row in (await counted(database, job_id)).values()] == [0, 0, 1]
    assert await causes(database, job_id) == {"cancelled": 3, "store_id_not_found": 1}


async def test_settles_at_once_of_one_store_lose_no_count(database: Database) -> None:
    job_id = await submit_visits(database, *[(KNOWN[no % 2], [f"http://a/{no}"]) for no in range(40)])
    numbers = range(1, 41)
    await asyncio.gather(
        *(
            settle(database, [failed(job_id, number) for number in numbers if number % 4 == part])
            for part in range(4)
        )
    )
    assert [row[0] for row in (await counted(database, job_id)).values()] == [20, 20]


async def test_a_table_of_stores_is_sorted_searched_and_goes_on(database: Database) -> None:
    names = [f"{'Shop' if no % 2 else 'shop'}{no:02}" for no in range(9)]
    job_id = await submit_visits(database, *[(name, [f"u{no}", f"v{no}"]) for no, name in enumerate(names)])
    everything = {
        StoreOrder.JOB: names,
        StoreOrder.STORE_ID: names,
        StoreOrder.FAILED: names[::-1],
        StoreOrder.FLAGGED: [],
    }
    for order, expected in everything.items():
        told: list[str] = []
        after: StorePlace | None = None
        while True:
            async with database.connection() as connection:
                page = await read_store_table(
                    connection, job_id, StoreTable(order=order), after=after, limit=4
                )
            told += [row.store_id for row in page]
            if len(page) < 4:
                break
            after = page[-1].place
        assert told == expected, order
    async with database.connection() as connection:
        searched = StoreTable(order=StoreOrder.STORE_ID, text="SHOP03")
        (row,) = await read_store_table(connection, job_id, searched, after=None, limit=4)
    assert (row.store_id, row.store_name, row.images, row.failed) == ("Shop03", None, 2, 2)
