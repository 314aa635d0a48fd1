"""Deliveries in the tables: written in the transaction that ends a job; what is missing or lost is found."""

import json
from collections.abc import Mapping
from uuid import UUID

import psycopg
import pytest

from retailpulse.domain.callbacks import DeliveryKey, DeliveryState
from retailpulse.schema import DeliveryTry
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.results import settle
from retailpulse.storage.webhooks import deliveries
from retailpulse.storage.webhooks.deliveries import Due
from tests.storage.checking import change, found, mended
from tests.storage.jobs import failed, measured, submit, submit_visits

URLS = [f"http://photos.example/{number}.png" for number in range(3)]
HOOK = "https://User@Hooks.Example:8443/retailpulse?token=1"


async def delivered(database: Database) -> list[tuple[object, ...]]:
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT d.job_id, delivery_no, state, d.job->>'status', ended_at = finished_at"
            " FROM deliveries d JOIN jobs j USING (job_id) ORDER BY delivery_no"
        )
        return await cursor.fetchall()


async def settle_all(connection: Connection, job_id: UUID) -> None:
    await settle.settle(connection, [measured(job_id, 1), failed(job_id, 2), measured(job_id, 3)])


async def ended(database: Database) -> UUID:
    return await submit_visits(database, ("RP99999", URLS), callback_url=HOOK)


async def lease(
    connection: Connection, busy: Mapping[str, int] | None = None, *, room: int = 100, share: int = 100
) -> list[Due]:
    """Takes what is due for a minute, as a worker does that is `busy` with so many at a receiver."""
    return await deliveries.lease_due(connection, busy or {}, room=room, share=share, seconds=60.0)


async def test_settling_the_last_image_writes_the_delivery_or_nothing_of_all(
    database: Database,
) -> None:
    job_id = await submit(database, URLS, callback_url=HOOK)
    async with database.transaction() as connection:
        await settle.settle(connection, [measured(job_id, 1)])
    assert await delivered(database) == []
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await settle_all(connection, job_id)
            raise RuntimeError
    assert await delivered(database) == []
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]


async def test_a_job_of_unknown_stores_has_its_delivery_with_the_submit(database: Database) -> None:
    job_id = await ended(database)
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]


async def test_a_job_that_is_cancelled_has_one_delivery_however_often_it_is(database: Database) -> None:
    job_id = await submit(database, URLS, callback_url=HOOK)
    for _ in range(2):
        async with database.transaction() as connection:
            await cancel_job(connection, job_id)
    assert await delivered(database) == [(job_id, 1, "pending", "cancelled", True)]


async def test_a_job_without_a_receiver_has_none(database: Database) -> None:
    job_id = await submit(database, URLS)
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
    assert await delivered(database) == []


async def test_a_delivery_is_taken_by_one_alone_until_its_time_is_over(database: Database) -> None:
    job_id = await ended(database)
    async with database.transaction() as one, database.transaction() as other:
        (due,) = await lease(one)
        assert await lease(other) == []
    assert due.key == DeliveryKey(job_id=job_id, delivery_no=1)
    assert (due.url, due.receiver, due.failures) == (HOOK, "user@hooks.example:8443", 0)
    async with database.connection() as connection:
        assert await lease(connection) == []
        await connection.execute("UPDATE deliveries SET next_try_at = now()")
        assert len(await lease(connection)) == 1


async def test_what_a_worker_hands_back_is_due_at_once(database: Database) -> None:
    await ended(database)
    async with database.connection() as connection:
        (due,) = await lease(connection)
        await deliveries.hand_back(connection, due)
        (again,) = await lease(connection)
        await deliveries.log_try(connection, again, tried(again), DeliveryState.PENDING, 3_600.0)
        await deliveries.hand_back(connection, due)  # late: the next try has a time by now
        assert await lease(connection) == []


async def test_receivers_that_are_busy_are_read_past(database: Database) -> None:
    for _ in range(3):
        await ended(database)
    other = await submit_visits(database, ("RP99999", URLS), callback_url="http://other.example/")
    async with database.connection() as connection:
        (due,) = await lease(connection, {"user@hooks.example:8443": 2}, room=2, share=2)
    assert due.key.job_id == other


async def test_a_receiver_gets_its_share_with_what_a_worker_has_of_it_already(database: Database) -> None:
    first = [await ended(database) for _ in range(4)]
    async with database.connection() as connection:
        (due,) = await lease(connection, {"user@hooks.example:8443": 2, "other.example": 9}, share=3)
        assert due.key.job_id == first[0]
        rest = await lease(connection, room=2, share=3)
    assert {one.key.job_id for one in rest} == set(first[1:3])


def tried(due: Due, status: int = 500) -> DeliveryTry:
    return DeliveryTry(at=due.now, status=status, error=None, seconds=0.1)


async def made(database: Database, due: Due, state: DeliveryState, wait_seconds: float | None) -> None:
    async with database.connection() as connection:
        await deliveries.log_try(connection, due, tried(due), state, wait_seconds)


async def test_a_late_log_changes_nothing_that_was_decided_meanwhile(database: Database) -> None:
    job_id = await ended(database)
    async with database.transaction() as connection:
        (due,) = await lease(connection)
    await made(database, due, DeliveryState.PENDING, 3_600.0)
    await made(database, due, DeliveryState.GIVEN_UP, None)  # as by a worker that slept
    async with database.transaction() as connection:
        (row,) = await deliveries.read_page(connection, job_id, 0, 10)
        assert (row.state, len(row.tries)) == (DeliveryState.PENDING, 2)
    await made(database, due, DeliveryState.DELIVERED, None)
    async with database.transaction() as connection:
        (row,) = await deliveries.read_page(connection, job_id, 0, 10)
        assert (row.state, row.next_try_at, len(row.tries)) == (DeliveryState.DELIVERED, None, 3)
        again = await deliveries.send_again(connection, job_id)
    assert again is not None
    assert again.state is DeliveryState.PENDING
    await made(database, due, DeliveryState.DELIVERED, None)  # of the time before it was asked for again
    async with database.transaction() as connection:
        (row,) = await deliveries.read_page(connection, job_id, 0, 10)
    assert row.state is DeliveryState.PENDING


async def test_the_log_keeps_the_last_hundred_tries(database: Database) -> None:
    job_id = await ended(database)
    async with database.transaction() as connection:
        (due,) = await lease(connection)
        for number in range(deliveries.MOST_TRIES_KEPT + 5):
            await deliveries.log_try(connection, due, tried(due, number), DeliveryState.PENDING, 1.0)
        (row,) = await deliveries.read_page(connection, job_id, 0, 10)
    assert [one.status for one in row.tries] == list(range(5, deliveries.MOST_TRIES_KEPT + 5))


async def test_the_checker_finds_an_end_that_nobody_is_told_of_and_the_repair_writes_it(
    database: Database,
) -> None:
    job_id = await ended(database)
    assert found(database) == {}
    change(database, "DELETE FROM deliveries")
    assert {name: one.count for name, one in found(database).items()} == {"delivery_missing": 1}
    assert await mended(database) == ["deliveries written that were missing: 1"]
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]
    assert found(database) == {}


async def test_a_job_that_the_repair_ends_has_its_delivery(database: Database) -> None:
    job_id = await submit(database, URLS, callback_url=HOOK)
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
        await connection.execute("UPDATE jobs SET status = 'ongoing', finished_at = NULL")
        await connection.execute("DELETE FROM deliveries")
    await mended(database)
    assert [row[:4] for row in await delivered(database)] == [(job_id, 1, "pending", "failed")]
    assert found(database) == {}


async def test_deliveries_go_with_their_job(database: Database) -> None:
    await ended(database)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM jobs")
        cursor = await connection.execute("SELECT count(*) FROM deliveries")
        assert await cursor.fetchall() == [(0,)]


def test_the_database_keeps_one_current_secret_from_the_first_migration_on(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        ((secret, retires_at),) = connection.execute(
            "SELECT secret, retires_at FROM callback_secrets"
        ).fetchall()
        assert secret.startswith("whsec_")
        assert retires_at is None
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO callback_secrets (secret) VALUES ('whsec_other')")


def test_what_is_kept_of_a_job_is_its_row(database_url: str) -> None:
    """A column that comes later is there too, without a further migration of the trigger."""
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN later text NOT NULL DEFAULT 'x'")
        connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images, failed, callback_url, finished_at)"
            " VALUES (gen_random_uuid(), 'failed', 'header', 1, 1, 'http://a.example/', now())"
        )
        ((kept,),) = connection.execute("SELECT job::text FROM deliveries").fetchall()
    assert json.loads(kept)["later"] == "x"
