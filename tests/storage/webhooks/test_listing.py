"""Deliveries of all jobs by state: in order, page by page, and at a cost that the others do not add to."""

from functools import partial
from uuid import UUID

from retailpulse.domain.callbacks import DeliveryState
from retailpulse.service import Deliveries
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks import listing
from retailpulse.storage.webhooks.listing import DeliveryPlace, ListedDelivery
from tests.storage.checking import change
from tests.storage.jobs import submit_visits
from tests.storage.scheduling.buffers import Meter, analyse

HOOK = "https://hooks.example/retailpulse"
MOST_BUFFERS = 120
"""A page of ten costs its rows, and a few pages of the index."""


async def ended(database: Database, state: str, tries: str = "[]") -> UUID:
    """A job that has ended, and whose callback stands so."""
    job_id = await submit_visits(database, ("RP99999", ["http://photos.example/1.png"]), callback_url=HOOK)
    change(
        database,
        f"UPDATE deliveries SET state = '{state}', tries = '{tries}',"
        f" next_try_at = CASE WHEN '{state}' = 'pending' THEN now() END WHERE job_id = '{job_id}'",
    )
    return job_id


async def walk(database: Database, state: DeliveryState) -> list[ListedDelivery]:
    found: list[ListedDelivery] = []
    after: DeliveryPlace | None = None
    while True:
        page, after = await Deliveries(database).of_state(state, after=after, limit=2)
        found += page
        if after is None:
            return found


async def test_each_state_is_listed_with_the_last_end_first(database: Database) -> None:
    failing = '[{"at": "2026-11-20T10:00:00Z", "error": "no answer", "seconds": 1.0}]'
    given_up = [await ended(database, "given_up", failing) for _ in range(5)]
    waiting = await ended(database, "pending")
    found = await walk(database, DeliveryState.GIVEN_UP)
    assert [one.key.job_id for one in found] == given_up[::-1]
    assert found[0].last_try is not None
    assert (found[0].last_try.error, found[0].url, found[0].is_last) == ("no answer", HOOK, True)
    (one,) = await walk(database, DeliveryState.PENDING)
    assert (one.key.job_id, one.last_try) == (waiting, None)
    assert await walk(database, DeliveryState.DELIVERED) == []
    assert await Deliveries(database).counts() == {
        DeliveryState.GIVEN_UP: 5,
        DeliveryState.PENDING: 1,
        DeliveryState.DELIVERED: 0,
    }


async def test_an_end_before_the_last_one_cannot_be_told_again(database: Database) -> None:
    job_id = await ended(database, "given_up")
    change(database, "INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job)"
           " SELECT job_id, 2, url, now(), job FROM deliveries")  # fmt: skip
    (first,) = await walk(database, DeliveryState.GIVEN_UP)
    (second,) = await walk(database, DeliveryState.PENDING)
    assert (first.key.job_id, first.is_last, second.is_last) == (job_id, False, True)


async def test_a_page_costs_the_same_however_many_others_there_are(database: Database) -> None:
    await ended(database, "given_up")
    change(database, "INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job, state, next_try_at)"
           " SELECT job_id, n, url, ended_at - n * interval '1 s', job,"
           " CASE WHEN n % 500 = 0 THEN 'given_up' ELSE 'delivered' END, NULL"
           " FROM deliveries, generate_series(2, 50000) n")  # fmt: skip
    analyse(database)
    async with database.dedicated() as connection:
        meter = Meter(connection)
        await meter.begin()
        for state in (DeliveryState.GIVEN_UP, DeliveryState.DELIVERED, DeliveryState.PENDING):
            page = await listing.read_state(connection, state, None, 10)
            after = page[-1].place if page else None
            touched = await meter.buffers(partial(listing.read_state, connection, state, after, 10))
            assert touched <= MOST_BUFFERS, (state, touched)
        for count in (listing.count_states, listing.count_given_up_lately):
            await count(connection)
            assert await meter.buffers(partial(count, connection)) <= 4 * listing.MOST_COUNTED
