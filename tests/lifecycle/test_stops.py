"""A stop: whatever the service is at, it ends with 0, loses nothing, and leaves no process behind."""

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from retailpulse.storage import locks
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.lifecycle.processes import Shop, processes_in, submit
from tests.running import RunningService, wait_for


def stop(running: RunningService, number: signal.Signals = signal.SIGTERM) -> None:
    """Signals the service, and waits until it has ended as it should."""
    running.process.send_signal(number)
    assert running.process.wait(60) == 0, running.log()
    assert processes_in(running.data_dir.parent) == {}


def test_an_idle_service_ends_at_ctrl_c(shop: Shop) -> None:
    stop(shop.serve(workers=2), signal.SIGINT)


def test_images_in_flight_are_settled_and_the_rest_is_done_after_the_next_start(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_FETCH_PER_HOST="5")
    job_id = submit(running, shop.photos(60, before=gate))
    shop.wait_for_requests(5)
    threading.Timer(0.3, gate.set).start()  # the stop comes first
    stop(running)
    assert sum(shop.requests().values()) == 5
    running = shop.serve()
    assert running.finished(job_id)["images"]["measured"] == 60
    shop.check_truth(job_id)
    assert set(shop.requests().values()) == {1}
    stop(running)


def test_an_origin_that_hangs_holds_no_stop_beyond_the_grace_time(shop: Shop) -> None:
    running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="0.2")
    submit(running, [*shop.photos(5), *shop.photos(5, before=shop.gate())])
    shop.wait_for_requests(10)
    stop(running)


def test_a_second_signal_stops_at_once_and_leaves_nothing_behind(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="3600")
    job_id = submit(running, shop.photos(5, before=gate))
    shop.wait_for_requests(5)
    running.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping: what is in flight" in running.log())

    def asked_again() -> bool:
        running.process.send_signal(signal.SIGTERM)  # one that comes at once counts as the same
        return running.process.poll() is not None

    wait_for(asked_again)
    stop(running)
    gate.set()
    running = shop.serve()
    assert running.finished(job_id)["images"]["measured"] == 5
    shop.check_truth(job_id)
    assert set(shop.requests().values()) == {2}


def test_two_signals_at_once_are_one(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_FETCH_PER_HOST="5")
    job_id = submit(running, shop.photos(10, before=gate))
    shop.wait_for_requests(5)
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping: what is in flight" in running.log())
    gate.set()
    assert running.process.wait(60) == 0, running.log()
    assert "is killed before it is done" not in running.log()
    running = shop.serve()
    assert running.finished(job_id)["images"]["measured"] == 10
    assert set(shop.requests().values()) == {1}


def making(data: Path) -> bool:
    return any(data.glob("postgres.new-*/base/*"))


def starting(data: Path) -> bool:
    return (data / "postgres" / "postmaster.pid").exists()


def spawned(data: Path) -> bool:
    return any("--parent-fd" in command for command in processes_in(data.parent).values())


@pytest.mark.parametrize(
    ("moment", "number"),
    [(making, signal.SIGTERM), (starting, signal.SIGINT), (spawned, signal.SIGTERM)],
    ids=["while the data is made", "while PostgreSQL starts", "just after the children are born"],
)
def test_a_stop_during_the_start(
    new_shop: Shop, moment: Callable[[Path], bool], number: signal.Signals
) -> None:
    running = new_shop.begin()
    wait_for(lambda: moment(running.data_dir))
    stop(running, number)


def test_a_stop_during_the_migration(shop: Shop) -> None:
    server = EmbeddedServer(shop.folder / "data")
    # The stop ends our own session too.
    with suppress(psycopg.OperationalError), psycopg.connect(server.start()) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])  # the migration waits for it
        running = shop.begin()
        wait_for(lambda: connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0, running.log()
    assert not server.is_running()
    assert processes_in(shop.folder) == {}


def test_a_stop_during_the_migration_of_a_database_elsewhere(shop: Shop, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])
        running = shop.begin(RETAILPULSE_DATABASE_URL=empty_url)
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        wait_for(lambda: connection.execute(waits).fetchone())
        stop(running)
