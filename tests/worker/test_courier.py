"""Callbacks on a real database and a real receiver: told at least once, and no more often than needed."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from retailpulse.config.settings import CallbackSettings, FetchSettings
from retailpulse.domain.callbacks import DeliveryKey
from retailpulse.storage import callback_secrets, queue
from retailpulse.storage.cancelling import cancel_job
from retailpulse.storage.database import Database
from retailpulse.storage.deliveries import send_again
from retailpulse.storage.retrying import retry_job
from retailpulse.worker import courier
from retailpulse.worker.letters import write_letter
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.receiving import (
    HASTY,
    LOOPBACK,
    PHOTOS,
    deliveries,
    ended_job,
    hook,
    hooks,
    opened,
    secrets,
)
from tests.worker.working import PICTURE, QUICK, rows, until, until_over, urls, working

DELIVERED = "SELECT FROM deliveries WHERE state = 'delivered'"
PENDING = "SELECT FROM deliveries WHERE state = 'pending'"


async def until_told(database: Database, count: int = 1) -> None:
    """Waits until so many deliveries have come to their end, and no message is left."""
    await until(lambda: len(rows(database, "SELECT FROM deliveries WHERE state <> 'pending'")) == count)
    await until(lambda: not rows(database, "SELECT FROM procrastinate_jobs"))


async def test_the_end_of_a_job_is_told_once_with_a_signature_that_the_library_verifies(
    database: Database,
) -> None:
    with Origin() as origin, Origin() as receiver:
        photos = [*urls(origin, 3), origin.url("/none.png")]
        job_id = await submit(database, photos, callback_url=hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_told(database)
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


async def test_a_signature_by_another_secret_or_of_another_body_does_not_verify(database: Database) -> None:
    with Origin() as receiver:
        await ended_job(database, hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_told(database)
        (seen,) = hooks(receiver)
    (secret,) = secrets(database)
    opened(seen, secret)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(seen.body.replace(b"failed", b"completed"), seen.headers)


async def test_a_job_without_a_receiver_has_no_delivery(database: Database) -> None:
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 2))
        async with working(database, callbacks=HASTY):
            await until_over(database, job_id)
    assert deliveries(database) == []
    check_truth(database.url, job_id)


async def test_a_receiver_that_fails_for_a_while_is_told_exactly_once_more_when_it_is_back(
    database: Database,
) -> None:
    broken = [Reply(status=500), Reply(status=404), Reply(raw=b""), Reply(status=503)]
    with Origin() as receiver:
        await ended_job(database, hook(receiver, *broken, Reply(status=200)))
        async with working(database, callbacks=HASTY):
            await until_told(database)
            seen = hooks(receiver)
            assert len({(one.headers["webhook-id"], one.body) for one in seen}) == 1
            for one in seen:
                opened(one, *secrets(database))
            await told_after(database, receiver)
        assert len(hooks(receiver)) == 5
    assert deliveries(database)[0] == (1, "delivered", [500, 404, None, 503, 200])


async def until_told_times(receiver: Origin, count: int, *, path: str = "/hook") -> None:
    """Waits until so many callbacks came in."""
    await until(lambda: len(hooks(receiver, path)) == count)


async def told_after(database: Database, receiver: Origin) -> None:
    """Has another job told, so that whatever was to come before has come."""
    await ended_job(database, hook(receiver, path="/after"))
    await until(lambda: hooks(receiver, "/after"))
    await until(lambda: not rows(database, PENDING))


async def test_a_receiver_that_hangs_holds_up_neither_photos_nor_other_receivers(database: Database) -> None:
    with Origin() as origin, Origin() as hanging, Origin() as receiver:
        slow = hook(hanging, Reply(before=threading.Event()))
        for _ in range(20):
            await ended_job(database, slow)
        patient = msgspec.structs.replace(HASTY, timeout_seconds=60, concurrency=4)
        async with working(database, callbacks=patient, worker=HURRIED):
            await until(lambda: hanging.busy == 2)
            job_id = await submit(database, urls(origin, 40), callback_url=hook(receiver))
            await until(lambda: hooks(receiver))
            assert hanging.most_busy == 2
        check = rows(database, "SELECT status FROM jobs WHERE job_id = %s", job_id)
        assert check == [("completed",)]


HURRIED = msgspec.structs.replace(QUICK, grace_seconds=0.1)


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
            await until_told(database)
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


async def test_doubled_and_unreadable_messages_do_no_harm(database: Database) -> None:
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver))
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)"
                " SELECT queue_name, task_name, priority, args FROM procrastinate_jobs"
                " CROSS JOIN generate_series(1, 5) WHERE queue_name = 'deliveries'"
            )
            for arguments in ("[]", '"x"', "{}", '{"job_id": 7}', '{"job_id": "x", "delivery_no": 1}'):
                await connection.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                    " VALUES ('deliveries', 'deliver', %s::jsonb)",
                    [arguments],
                )
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                " SELECT queue_name, task_name, args || '{\"delivery_no\": 2}' FROM procrastinate_jobs"
                " WHERE queue_name = 'deliveries' AND args->>'job_id' = %s",
                [str(job_id)],
            )
        async with working(database, callbacks=HASTY), working(database, callbacks=HASTY):
            await until_told(database)
            await told_after(database, receiver)
        assert len(hooks(receiver)) == 1
    assert (1, "delivered", [204]) in deliveries(database)


async def test_a_message_that_was_lost_is_sent_again_by_the_sweep(database: Database) -> None:
    with Origin() as receiver:
        await ended_job(database, hook(receiver))
        async with database.connection() as connection:
            await connection.execute("DELETE FROM procrastinate_jobs")
        async with working(database, callbacks=HASTY):
            await until_told(database)
        assert len(hooks(receiver)) == 1


async def test_each_end_of_a_job_that_is_retried_is_an_event_of_its_own(database: Database) -> None:
    with Origin() as origin, Origin() as receiver:
        flaky = origin.serve("/flaky.png", Reply(status=404), Reply(body=PICTURE))
        job_id = await submit(database, [flaky], callback_url=hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_told(database)
            app = queue.make_app()
            async with app.open_async(database.pool), database.transaction() as connection:
                retried = await retry_job(connection, job_id, causes=None, chunk_images=0)
                await queue.send_chunks(app, connection, retried.chunks)
            await until_told(database, 2)
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
            await until_told(database)
        (seen,) = hooks(receiver)
    told = opened(seen, *secrets(database))
    assert (told["data"]["status"], told["data"]["images"]["failed"]) == ("failed", 1)


async def test_a_job_that_is_called_off_is_told_too(database: Database) -> None:
    with Origin() as receiver:
        job_id = await submit(database, PHOTOS, callback_url=hook(receiver))
        async with database.transaction() as connection:
            assert await cancel_job(connection, job_id)
            await queue.drop_job(connection, job_id)
        async with working(database, callbacks=HASTY):
            await until_told(database)
        (seen,) = hooks(receiver)
    assert opened(seen, *secrets(database))["data"]["status"] == "cancelled"


async def test_a_job_that_is_deleted_is_told_to_nobody(database: Database) -> None:
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver))
        async with database.connection() as connection:
            await connection.execute("DELETE FROM jobs WHERE job_id = %s", [job_id])
        assert deliveries(database) == []
        async with working(database, callbacks=HASTY):
            await told_after(database, receiver)
            await until(lambda: not rows(database, "SELECT FROM procrastinate_jobs"))
        assert hooks(receiver) == []


async def test_a_receiver_that_says_gone_is_not_asked_again(database: Database) -> None:
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=410)))
        async with working(database, callbacks=HASTY):
            await until_told(database)
        assert len(hooks(receiver)) == 1
    assert deliveries(database) == [(1, "given_up", [410])]


async def test_a_redirect_is_no_answer(database: Database) -> None:
    with Origin() as receiver:
        other = hook(receiver, path="/other")
        moved = Reply(status=307, headers={"Location": other})
        await ended_job(database, hook(receiver, moved, Reply(status=204)))
        async with working(database, callbacks=HASTY):
            await until_told(database)
        assert hooks(receiver, "/other") == []
    assert deliveries(database) == [(1, "delivered", [307, 204])]
    ((tries,),) = rows(database, "SELECT tries FROM deliveries")
    assert tries[0]["error"] == "a redirect is not followed"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/hook", "http://localhost:{port}/hook", "http://u:p@127.0.0.1:{port}/"]
)
async def test_a_receiver_inside_is_refused_without_a_packet(database: Database, url: str) -> None:
    with Origin() as receiver:
        hook(receiver)
        await ended_job(database, url.format(port=receiver.port))
        async with working(database, fetch=FetchSettings(ports="any"), callbacks=HASTY):
            await until_told(database)
        assert receiver.connections == 0
    assert deliveries(database) == [(1, "given_up", [None])]


async def test_a_receiver_that_names_a_time_is_not_asked_before_it(database: Database) -> None:
    later = Reply(status=503, headers={"Retry-After": "3600"})
    with Origin() as receiver:
        await ended_job(database, hook(receiver, later))
        async with working(database, callbacks=HASTY):
            await until(lambda: rows(database, "SELECT FROM deliveries WHERE failures = 1"))
    ((seconds,),) = rows(database, "SELECT extract(epoch FROM next_try_at - now())::float FROM deliveries")
    assert 3_500 < seconds <= 3_600


async def test_a_receiver_that_stays_away_is_given_up_in_the_end(database: Database) -> None:
    brief = msgspec.structs.replace(HASTY, give_up_hours=0.5 / 3_600)
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=500)))
        async with working(database, callbacks=brief):
            await until_told(database)
    ((_, state, statuses),) = deliveries(database)
    assert state == "given_up"
    assert len(statuses) >= 2


async def test_it_can_be_sent_again_with_the_same_id(database: Database) -> None:
    with Origin() as receiver:
        job_id = await ended_job(database, hook(receiver, Reply(status=410), Reply(status=204)))
        async with working(database, callbacks=HASTY):
            await until_told(database)
            for count in (2, 3):
                async with database.transaction() as connection:
                    assert await send_again(connection, job_id) is not None
                await until_told_times(receiver, count)
                await until(lambda: not rows(database, PENDING))
        assert len({seen.headers["webhook-id"] for seen in hooks(receiver)}) == 1
    assert deliveries(database) == [(1, "delivered", [410, 204, 204])]


async def test_after_a_rotation_both_secrets_sign_until_the_old_one_retires(database: Database) -> None:
    (old,) = secrets(database)
    new = "whsec_" + "B" * 32
    with Origin() as receiver:
        async with working(database, callbacks=HASTY):
            for overlap_seconds in (3600.0, 0.0):
                async with database.transaction() as connection:
                    await callback_secrets.rotate(connection, new, overlap_seconds)
                await ended_job(database, hook(receiver, path=f"/{overlap_seconds:g}"))
                await until_told_times(receiver, 1, path=f"/{overlap_seconds:g}")
                new = "whsec_" + "C" * 32
        ((both,), (latest,)) = hooks(receiver, "/3600"), hooks(receiver, "/0")
    for secret in (old, "whsec_" + "B" * 32):
        opened(both, secret)
    opened(latest, "whsec_" + "C" * 32)
    for secret in (old, "whsec_" + "B" * 32):
        with pytest.raises(WebhookVerificationError):
            opened(latest, secret)


async def test_secrets_of_the_setting_sign_instead_of_that_of_the_database(database: Database) -> None:
    ours = ("whsec_" + "D" * 32, "whsec_" + "E" * 32)
    with Origin() as receiver:
        await ended_job(database, hook(receiver))
        async with working(
            database, callbacks=msgspec.structs.replace(HASTY, secret=",".join(ours)), fetch=LOOPBACK
        ):
            await until_told(database)
        (seen,) = hooks(receiver)
    for secret in ours:
        opened(seen, secret)
    with pytest.raises(WebhookVerificationError):
        opened(seen, *secrets(database))


async def test_a_fault_of_ours_in_one_callback_keeps_no_other_from_going_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(key: DeliveryKey, *rest: object) -> object:
        if key.job_id == bad:
            raise RecursionError("a fault of ours")
        return write_letter(key, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(courier, "write_letter", stumble)
    with Origin() as receiver:
        bad = await ended_job(database, hook(receiver))
        await ended_job(database, hook(receiver))
        async with working(database, callbacks=HASTY):
            await until(lambda: rows(database, DELIVERED))
            await until(lambda: rows(database, "SELECT FROM deliveries WHERE failures > 1"))
    errors = rows(database, "SELECT tries->0->>'error' FROM deliveries WHERE job_id = %s", bad)
    assert errors == [("unexpected RecursionError",)]


async def test_many_jobs_that_end_at_once_are_all_told(database: Database) -> None:
    with Origin() as receiver:
        url = hook(receiver)
        for _ in range(60):
            await ended_job(database, url)
        async with working(database, callbacks=CallbackSettings()):
            await until_told(database, 60)
        ids = [seen.headers["webhook-id"] for seen in hooks(receiver)]
    assert len(set(ids)) == len(ids) == 60
