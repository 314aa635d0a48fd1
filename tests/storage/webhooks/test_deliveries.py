"""Deliveries in the tables: written in the transaction that ends a job; what is missing or lost is found."""

import json
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
from tests.storage.checking import LIVING, change, found, mended
from tests.storage.jobs import failed, measured, submit, submit_visits

URLS = [f"http://photos.example/{number}.png" for number in range(3)]
HOOK = "https://User@Hooks.Example:8443/retailpulse?token=1"
SENT = "SELECT args FROM procrastinate_jobs WHERE queue_name = 'deliveries'"


async def sent(database: Database) -> list[dict[str, object]]:
    async with database.connection() as connection:
        return [args for (args,) in await (await connection.execute(SENT)).fetchall()]


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


async def lease(connection: Connection, seconds: float = 60.0) -> list[Due]:
    """Takes all that waits, as a worker does."""
    messages = await deliveries.lock_messages(connection, [], 100)
    due = await deliveries.lock_due(connection, [one.key for one in messages if one.key is not None])
    await deliveries.lease(connection, [one.key for one in due], seconds)
    await deliveries.drop_messages(connection, messages)
    return due


async def test_settling_the_last_image_writes_the_delivery_and_its_message_or_nothing_of_all(
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
    assert (await delivered(database), await sent(database)) == ([], [])
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]
    message = {"job_id": str(job_id), "delivery_no": 1, "receiver": "user@hooks.example:8443"}
    assert await sent(database) == [message]


async def test_a_job_of_unknown_stores_has_its_delivery_with_the_submit(database: Database) -> None:
    job_id = await ended(database)
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]


async def test_a_job_that_is_cancelled_has_one_delivery_however_often_it_is(database: Database) -> None:
    job_id = await submit(database, URLS, callback_url=HOOK)
    for _ in range(2):
        async with database.transaction() as connection:
            await cancel_job(connection, job_id)
    assert await delivered(database) == [(job_id, 1, "pending", "cancelled", True)]
    assert len(await sent(database)) == 1


async def test_a_job_without_a_receiver_has_none(database: Database) -> None:
    job_id = await submit(database, URLS)
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
    assert (await delivered(database), await sent(database)) == ([], [])


async def test_a_delivery_is_taken_by_one_alone_until_its_time_is_over(database: Database) -> None:
    job_id = await ended(database)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " SELECT queue_name, task_name, args FROM procrastinate_jobs"
        )
    async with database.transaction() as one, database.transaction() as other:
        first = await deliveries.lock_messages(one, [], 1)
        second = await deliveries.lock_messages(other, [], 1)
        assert {message.key for message in (*first, *second)} == {DeliveryKey(job_id=job_id, delivery_no=1)}
        assert len(await deliveries.lock_due(one, [message.key for message in first if message.key])) == 1
        assert await deliveries.lock_due(other, [message.key for message in second if message.key]) == []
    async with database.transaction() as connection:
        assert len(await lease(connection, 0.0)) == 1
    async with database.transaction() as connection:
        assert await deliveries.send_due(connection) == 1
        assert await deliveries.send_due(connection) == 0
        assert len(await lease(connection)) == 1
    async with database.transaction() as connection:
        assert await deliveries.send_due(connection) == 0
        await connection.execute("SELECT send_delivery_messages(%s::uuid[], '{1}')", [[job_id]])
        assert await lease(connection) == []


async def test_receivers_that_are_busy_are_read_past(database: Database) -> None:
    for _ in range(3):
        await ended(database)
    other = await submit_visits(database, ("RP99999", URLS), callback_url="http://other.example/")
    async with database.transaction() as connection:
        found = await deliveries.lock_messages(connection, ["user@hooks.example:8443"], 2)
    assert [message.key and message.key.job_id for message in found] == [other]


async def made(database: Database, due: Due, state: DeliveryState, wait_seconds: float | None) -> None:
    async with database.connection() as connection:
        log = DeliveryTry(at=due.now, status=500, error=None, seconds=0.1)
        await deliveries.log_try(connection, due, log, state, wait_seconds)


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
            log = DeliveryTry(at=due.now, status=number, error=None, seconds=0.1)
            await deliveries.log_try(connection, due, log, DeliveryState.PENDING, 1.0)
        (row,) = await deliveries.read_page(connection, job_id, 0, 10)
    assert [one.status for one in row.tries] == list(range(5, deliveries.MOST_TRIES_KEPT + 5))


async def test_looking_for_lost_messages_reads_a_bounded_number_of_deliveries(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "SWEPT_DELIVERIES", 2)
    for _ in range(5):
        await ended(database)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        assert await deliveries.send_due(connection) == 2
        assert await deliveries.send_due(connection) == 0  # until those two are taken
        assert len(await lease(connection)) == 2
        assert await deliveries.send_due(connection) == 2


async def test_the_checker_finds_an_end_that_nobody_is_told_of_and_the_repair_writes_it(
    database: Database,
) -> None:
    job_id = await ended(database)
    assert found(database) == {}
    change(database, "DELETE FROM deliveries", "DELETE FROM procrastinate_jobs")
    assert {name: one.count for name, one in found(database).items()} == {"delivery_missing": 1}
    assert await mended(database) == ["deliveries written that were missing: 1"]
    assert await delivered(database) == [(job_id, 1, "pending", "failed", True)]
    assert len(await sent(database)) == 1
    assert found(database) == {}


async def test_a_job_that_the_repair_ends_has_its_delivery(database: Database) -> None:
    job_id = await submit(database, URLS, callback_url=HOOK)
    async with database.transaction() as connection:
        await settle_all(connection, job_id)
        await connection.execute("UPDATE jobs SET status = 'ongoing', finished_at = NULL")
        await connection.execute("DELETE FROM deliveries")
        await connection.execute("DELETE FROM procrastinate_jobs")
    await mended(database)
    assert [row[:4] for row in await delivered(database)] == [(job_id, 1, "pending", "failed")]
    assert found(database) == {}


async def test_the_checker_finds_a_due_delivery_that_no_message_names_while_a_worker_lives(
    database: Database,
) -> None:
    job_id = await ended(database)
    change(database, "DELETE FROM procrastinate_jobs")
    assert found(database) == {}
    change(database, LIVING)
    findings = found(database)
    assert set(findings) == {"delivery_without_message"}
    assert findings["delivery_without_message"].examples[0].job_id == str(job_id)
    assert await mended(database) == ["lost messages of deliveries sent again: 1"]
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
