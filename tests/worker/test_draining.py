"""A stopping worker: what is in flight is settled, the rest handed back, nothing is waited for."""

import threading

import msgspec

from retailpulse.config.settings import MeasureSettings, WorkerSettings
from retailpulse.domain.images import Depth
from retailpulse.storage.postgres.database import Database
from tests.origin import Origin, Reply
from tests.storage import claiming
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.working import LOOPBACK, PICTURE, requests, rows, until, until_over, urls, working

NARROW = msgspec.structs.replace(LOOPBACK, per_host=4)
LEFT = (
    "SELECT (SELECT count(*) FROM workers), (SELECT count(*) FROM leases), (SELECT count(*) FROM grants),"
    " (SELECT sum(leased) FROM hosts)"
)
"""What a worker that has left still has."""
ONE_AT_A_TIME = msgspec.structs.replace(LOOPBACK, per_host=1, concurrency=1)


async def test_what_is_in_flight_is_settled_and_the_rest_is_handed_back(database: Database) -> None:
    gate = threading.Event()
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 40, before=gate))
        async with working(database, fetch=NARROW):
            await until(lambda: origin.busy == 4)
            threading.Timer(0.2, gate.set).start()  # the stop comes first
        assert rows(database, "SELECT count(*) FROM results") == [(4,)]
        assert len(origin.requests) == 4
        assert len(claiming.in_line(database, job_id)) == 36
        assert rows(database, LEFT) == [(0, 0, 0, 0)]
        async with working(database):
            await until_over(database, job_id)
        assert set(requests(origin).values()) == {1}
    check_truth(database.url, job_id)


async def test_what_is_not_done_within_the_grace_time_is_handed_back(database: Database) -> None:
    gate = threading.Event()
    hurried = WorkerSettings(grace_seconds=0.1, settle_seconds=60)  # results still wait to be written
    with Origin() as origin:
        good = urls(origin, 5)
        hanging = origin.serve("/hanging.png", Reply(body=PICTURE, before=gate))
        job_id = await submit(database, [*good, hanging])
        async with working(database, worker=hurried):
            await until(lambda: len(origin.requests) == 6 and origin.busy == 1)
        assert rows(database, "SELECT count(*) FROM results") == [(5,)]
        assert claiming.in_line(database, job_id) == [6]
        assert rows(database, LEFT) == [(0, 0, 0, 0)]
        gate.set()
        async with working(database):
            await until_over(database, job_id)
        assert requests(origin) == {f"/{number}.png": 1 for number in range(5)} | {"/hanging.png": 2}
    check_truth(database.url, job_id)


async def test_a_pause_holds_no_slot_and_no_decoder_and_ends_with_the_stop(database: Database) -> None:
    an_hour = MeasureSettings(decoders=1, pause_seconds="3600")
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 30), depth=Depth.DECODE)
        async with working(database, fetch=ONE_AT_A_TIME, measure=an_hour):
            await until(lambda: len(origin.requests) == 30 and origin.busy == 0)
            assert rows(database, "SELECT FROM results") == []
    check_truth(database.url, job_id)


async def test_what_is_handed_back_goes_to_another_worker_at_once(database: Database) -> None:
    gate = threading.Event()
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 40, before=gate))
        async with working(database, fetch=NARROW):
            await until(lambda: origin.busy == 4)
            async with working(database, worker=WorkerSettings(grace_seconds=0.1, stale_seconds=600)):
                await until(lambda: rows(database, "SELECT count(*) FROM leases") == [(2,)])
                gate.set()
            await until_over(database, job_id)
        assert max(requests(origin).values()) <= 2  # some had begun where the grace time was over
    check_truth(database.url, job_id)
