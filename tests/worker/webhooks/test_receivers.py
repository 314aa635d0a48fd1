"""Receivers that fail, hang, lead elsewhere or stay away: tried again with patience, refused, or given up."""

import threading

import msgspec
import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.storage.postgres.database import Database
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.worker.webhooks.receiving import (
    HASTY,
    HURRIED,
    deliver_another,
    deliveries,
    ended_job,
    hook,
    hooks,
    opened,
    secrets,
    until_delivered,
)
from tests.worker.working import rows, until, urls, working


async def test_a_receiver_that_fails_for_a_while_is_told_exactly_once_more_when_it_is_back(
    database: Database,
) -> None:
    broken = [Reply(status=500), Reply(status=404), Reply(raw=b""), Reply(status=503)]
    with Origin() as receiver:
        await ended_job(database, hook(receiver, *broken, Reply(status=200)))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
            seen = hooks(receiver)
            assert len({(one.headers["webhook-id"], one.body) for one in seen}) == 1
            for one in seen:
                opened(one, *secrets(database))
            await deliver_another(database, receiver)
        assert len(hooks(receiver)) == 5
    assert deliveries(database)[0] == (1, "delivered", [500, 404, None, 503, 200])


async def test_a_receiver_that_stays_away_is_given_up_in_the_end(database: Database) -> None:
    brief = msgspec.structs.replace(HASTY, give_up_hours=0.5 / 3_600)
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=500)))
        async with working(database, callbacks=brief):
            await until_delivered(database)
    ((_, state, statuses),) = deliveries(database)
    assert state == "given_up"
    assert len(statuses) >= 2


async def test_a_receiver_that_names_a_time_is_not_asked_before_it(database: Database) -> None:
    later = Reply(status=503, headers={"Retry-After": "3600"})
    with Origin() as receiver:
        await ended_job(database, hook(receiver, later))
        async with working(database, callbacks=HASTY):
            await until(lambda: rows(database, "SELECT FROM deliveries WHERE failures = 1"))
    ((seconds,),) = rows(database, "SELECT extract(epoch FROM next_try_at - now())::float FROM deliveries")
    assert 3_500 < seconds <= 3_600


async def test_a_receiver_that_says_gone_is_not_asked_again(database: Database) -> None:
    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=410)))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
        assert len(hooks(receiver)) == 1
    assert deliveries(database) == [(1, "given_up", [410])]


async def test_a_redirect_is_no_answer(database: Database) -> None:
    with Origin() as receiver:
        other = hook(receiver, path="/other")
        moved = Reply(status=307, headers={"Location": other})
        await ended_job(database, hook(receiver, moved, Reply(status=204)))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
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
            await until_delivered(database)
        assert receiver.connections == 0
    assert deliveries(database) == [(1, "given_up", [None])]


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
