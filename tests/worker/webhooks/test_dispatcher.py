"""Callbacks on a real database and a real receiver: told at least once, and no more often than needed."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from retailpulse.config.settings import CallbackSettings
from retailpulse.domain.callbacks import DeliveryKey
from retailpulse.domain.errors import UNEXPECTED
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks.deliveries import send_again
from retailpulse.worker.webhooks import dispatcher
from retailpulse.worker.webhooks.payload import signed_payload
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.webhooks.receiving import (
    HASTY,
    HURRIED,
    PENDING,
    PHOTOS,
    deliver_another,
    deliveries,
    ended_job,
    hook,
    hooks,
    opened,
    secrets,
    until_delivered,
    until_delivered_times,
)
from tests.worker.working import PICTURE, rows, until, until_over, urls, working

DELIVERED = "SELECT FROM deliveries WHERE state = 'delivered'"


async def test_the_end_of_a_job_is_told_once_with_a_signature_that_the_library_verifies(
    database: Database,
) -> None:
    with Origin() as origin, Origin() as receiver:
        photos = [*urls(origin, 3), origin.url("/none.png")]
        job_id = await submit(database, photos, callback_url=hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
        (seen,) = hooks(receiver)
    told = opened(seen, *secrets(database))
    assert seen.method == "POST"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["webhook-id"] == f"msg_{job_id.hex}_1"
    assert told["type"] == "job.ended"
    assert told["timestamp"] == told["data"]["finished_at"]
    assert told["data"]["job_id"] == str(job_id)
    assert told["data"]["status"] == "failed"
    assert told["data"]["images"] == {"total": 4, "settled": 4, "measured": 3, "failed": 1, "cancelled": 0}
    ((tries,),) = rows(database, "SELECT tries FROM deliveries")
    assert [(one["status"], one["error"]) for one in tries] == [(204, None)]
    assert datetime.fromisoformat(tries[0]["at"]) > datetime.now(UTC) - timedelta(minutes=2)
    assert 0 <= tries[0]["seconds"] < 60
    check_truth(database.url, job_id)


async def test_a_job_without_a_receiver_has_no_delivery(database: Database) -> None:
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 2))
        async with working(database, callbacks=HASTY):
            await until_over(database, job_id)
    assert deliveries(database) == []
    check_truth(database.url, job_id)


async def test_a_worker_that_stops_in_the_middle_leaves_the_delivery_to_another_at_once(
    database: Database,
) -> None:
    gate = threading.Event()
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(before=gate), Reply(status=204)))
        patient = msgspec.structs.replace(HASTY, timeout_seconds=60)
        async with working(database, worker=HURRIED, callbacks=patient):
            await until(lambda: receiver.busy == 1)
        assert deliveries(database) == [(1, "pending", [])]
        async with working(database, callbacks=patient):
            await until_delivered(database)
        ids = [seen.headers["webhook-id"] for seen in hooks(receiver)]
        gate.set()
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert deliveries(database) == [(1, "delivered", [204])]


async def test_a_stopping_worker_waits_for_an_answer_that_comes_in_time(database: Database) -> None:
    gate = threading.Event()
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=204, before=gate)))
        async with working(database, callbacks=HASTY):
            await until(lambda: receiver.busy == 1)
            gate.set()
    assert deliveries(database) == [(1, "delivered", [204])]


async def test_each_end_of_a_job_that_is_retried_is_an_event_of_its_own(database: Database) -> None:
    with Origin() as origin, Origin() as receiver:
        flaky = origin.serve("/flaky.png", Reply(status=404), Reply(body=PICTURE))
        job_id = await submit(database, [flaky], callback_url=hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
            async with database.transaction() as connection:
                assert await retry_job(connection, job_id, causes=None, origin_of=origin_key) == 1
            await until_delivered(database, 2)
        first, second = (opened(seen, *secrets(database)) for seen in hooks(receiver))
        ids = [seen.headers["webhook-id"] for seen in hooks(receiver)]
    assert [told["data"]["status"] for told in (first, second)] == ["failed", "completed"]
    assert [told["data"]["retries"] for told in (first, second)] == [0, 1]
    assert ids == [DeliveryKey(job_id=job_id, delivery_no=number).message_id for number in (1, 2)]
    check_truth(database.url, job_id)


async def test_what_is_told_is_how_the_job_stood_at_its_end(database: Database) -> None:
    """Also where the job goes on before the receiver can be told."""
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver))
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE jobs SET status = 'ongoing', finished_at = NULL, failed = 0 WHERE job_id = %s",
                [job_id],
            )
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
        (seen,) = hooks(receiver)
    told = opened(seen, *secrets(database))
    assert (told["data"]["status"], told["data"]["images"]["failed"]) == ("failed", 1)


async def test_a_job_that_is_called_off_is_told_too(database: Database) -> None:
    with Origin() as receiver:
        job_id = await submit(database, PHOTOS, callback_url=hook(receiver))
        async with database.transaction() as connection:
            assert await cancel_job(connection, job_id)
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
        (seen,) = hooks(receiver)
    assert opened(seen, *secrets(database))["data"]["status"] == "cancelled"


async def test_a_job_that_is_deleted_is_told_to_nobody(database: Database) -> None:
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver))
        async with database.connection() as connection:
            await connection.execute("DELETE FROM jobs WHERE job_id = %s", [job_id])
        assert deliveries(database) == []
        async with working(database, callbacks=HASTY):
            await deliver_another(database, receiver)
        assert hooks(receiver) == []


async def test_it_can_be_sent_again_with_the_same_id(database: Database) -> None:
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver, Reply(status=410), Reply(status=204)))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
            for count in (2, 3):
                async with database.transaction() as connection:
                    assert await send_again(connection, job_id) is not None
                await until_delivered_times(receiver, count)
                await until(lambda: not rows(database, PENDING))
        assert len({seen.headers["webhook-id"] for seen in hooks(receiver)}) == 1
    assert deliveries(database) == [(1, "delivered", [410, 204, 204])]


async def test_a_fault_of_ours_in_one_callback_keeps_no_other_from_going_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(key: DeliveryKey, *rest: object) -> object:
        if key.job_id == bad:
            raise RecursionError("a fault of ours")
        return signed_payload(key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatcher, "signed_payload", stumble)
    with Origin() as receiver:
        bad = await ended_job(database, hook(receiver))
        await ended_job(database, hook(receiver))
        async with working(database, callbacks=HASTY):
            await until(lambda: rows(database, DELIVERED))
            await until(lambda: rows(database, "SELECT FROM deliveries WHERE failures > 1"))
    errors = rows(database, "SELECT tries->0->>'error' FROM deliveries WHERE job_id = %s", bad)
    assert errors == [(UNEXPECTED,)]


@pytest.mark.slow
async def test_many_jobs_that_end_at_once_are_all_told(database: Database) -> None:
    with Origin() as receiver:
        url = hook(receiver)
        for _ in range(60):
            await ended_job(database, url)
        async with working(database, callbacks=CallbackSettings()):
            await until_delivered(database, 60)
        ids = [seen.headers["webhook-id"] for seen in hooks(receiver)]
    assert len(set(ids)) == len(ids) == 60
