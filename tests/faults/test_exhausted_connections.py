"""No connection to the database is left: requests are refused in time or served, and all heals by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pytest

from tests.faults.postgres import Postgres, embedded_url
from tests.faults.submitting import Submitter, wait_until_ended
from tests.lifecycle.processes import Shop, submit
from tests.running import wait_for

MOST_CONNECTIONS = 25


@pytest.fixture
def postgres(shop: Shop) -> Iterator[Postgres]:
    """A server that takes few connections."""
    made = Postgres(shop.folder / "elsewhere", max_connections=MOST_CONNECTIONS)
    made.start()
    yield made
    made.stop()


@contextmanager
def all_connections_of(postgres: Postgres) -> Iterator[None]:
    """Everybody else is thrown out and kept out while the block runs."""
    with ExitStack() as taken:

        def exhaust() -> bool:
            try:
                while True:
                    taken.enter_context(psycopg.connect(postgres.url))
            except psycopg.OperationalError:
                return True

        held = taken.enter_context(psycopg.connect(postgres.url, autocommit=True))

        def end_connections_of_the_service() -> bool:
            found = held.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'retailpulse'"
            ).fetchall()
            return exhaust() and not found

        wait_for(end_connections_of_the_service)
        yield


def test_the_server_has_no_connection_left(shop: Shop, postgres: Postgres) -> None:
    """Refusals are honest, recovery is bounded: workers and API go on once connections come free."""
    running = shop.serve(workers=2, RETAILPULSE_DATABASE_URL=postgres.url)
    pids = running.pids()
    gate = shop.gate()
    waiting = submit(running, shop.photos(40, before=gate))
    shop.wait_for_requests(8)
    submitter = Submitter(running.url, shop.photos)
    with submitter.at_work():
        submitter.wait_until_accepted(2)
        with all_connections_of(postgres):
            gate.set()
            submitter.wait_until_refused(4)
            assert running.http.get("/api/status", params={"jobid": waiting}).status_code == 503
            assert running.http.get("/health/live").status_code == 200
        submitter.wait_until_accepted(5)
    wait_until_ended(running, [waiting, *submitter.accepted()])
    submitter.check_refusals()
    assert submitter.lost(postgres.url) == set()
    with_unknown_commit = submitter.with_unknown_commit(
        postgres.url
    )  # thrown out between the commit and its confirmation
    postgres.check_truth(waiting, *submitter.accepted(), *with_unknown_commit)
    assert running.pids() == pids


def test_every_connection_of_the_pool_in_use(shop: Shop) -> None:
    """Refusals are honest: who finds no connection is told so meanwhile, whoever has one is served.

    Reads may use one of four, and others are answered meanwhile.
    """
    running = shop.serve(RETAILPULSE_DATABASE_POOL_SIZE="4")
    url = embedded_url(shop.folder)
    first = submit(running, shop.photos(1))
    running.finished(first)

    def ask_for_visits() -> int:
        return httpx.get(f"{running.url}/api/visits", params={"storeid": "RP00001"}, timeout=60).status_code

    with psycopg.connect(url) as connection, ThreadPoolExecutor(20) as threads:
        connection.execute("LOCK TABLE stores IN ACCESS EXCLUSIVE MODE")
        asked = [threads.submit(ask_for_visits) for _ in range(20)]
        wait_for(lambda: sum(one.done() for one in asked) == 19)
        refused = [one for one in asked if one.done()]
        assert running.http.get("/api/status", params={"jobid": first}).status_code == 200
        assert running.http.get("/health/ready").status_code == 200
        connection.rollback()
        served = [one for one in asked if one not in refused]
    assert {one.result() for one in refused} == {503}
    assert [one.result() for one in served] == [200]
    second = submit(running, shop.photos(5))
    running.finished(second)
    shop.check_truth(first, second)
