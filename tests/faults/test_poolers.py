"""A pooler between the service and its database, and a database that fails over to its replica."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from psycopg import sql

from tests.faults.postgres import Postgres, ask
from tests.faults.replica import replica_of
from tests.lifecycle.processes import Shop, submit
from tests.running import free_port, wait_for
from tests.storage.truth import check_truth

PGBOUNCER = shutil.which("pgbouncer", path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
SETTINGS = """
[databases]
postgres = host=127.0.0.1 port={postgres_port} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
"""


@pytest.fixture
def postgres(shop: Shop) -> Iterator[Postgres]:
    """A server that somebody else runs."""
    made = Postgres(shop.folder / "elsewhere")
    made.start()
    yield made
    made.stop()


@contextmanager
def pooler(folder: Path, postgres: Postgres, mode: str) -> Iterator[str]:
    """The URL of a pgbouncer before a server, as it comes: it lets no other parameters through."""
    if PGBOUNCER is None:
        pytest.skip("needs pgbouncer: apt-get install pgbouncer")
    port, settings = free_port(), folder / f"{mode}.ini"
    settings.write_text(SETTINGS.format(postgres_port=postgres.port, port=port, mode=mode))
    settings.chmod(0o644)
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([PGBOUNCER, str(settings)], stdout=log, stderr=log, cwd="/", user=user)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        try:
            wait_for(lambda: answers(url))
            yield url
        finally:
            process.terminate()
            process.wait(60)


def answers(url: str) -> bool:
    """Whether a database can be asked something."""
    try:
        return ask(url, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pooler_stands_before_the_database(shop: Shop, postgres: Postgres, mode: str) -> None:
    with pooler(shop.folder, postgres, mode) as url:
        direct = {"RETAILPULSE_DATABASE_DIRECT_URL": postgres.url} if mode == "transaction" else {}
        running = shop.serve(workers=2, RETAILPULSE_DATABASE_URL=url, **direct)
        jobs = [submit(running, shop.photos(60)) for _ in range(5)]
        for job_id in jobs:
            assert running.finished(job_id)["status"] == "completed"
            assert len(running.results(job_id)) == 60
        listed = running.http.get("/api/v1/jobs", params={"status": "completed"}).json()["items"]
        assert {job["job_id"] for job in listed} == set(jobs)
        gate = shop.gate()
        cancelled = submit(running, shop.photos(40, before=gate))
        running.http.post(f"/api/v1/jobs/{cancelled}/cancel").raise_for_status()
        gate.set()
        assert running.finished(cancelled)["status"] == "cancelled"
        assert running.stop() == 0
        postgres.check_truth(*jobs)


def test_sessions_behind_a_pooler_keep_no_time_limit_of_another_client(
    shop: Shop, postgres: Postgres
) -> None:
    with pooler(shop.folder, postgres, "transaction") as url:
        running = shop.serve(RETAILPULSE_DATABASE_URL=url, RETAILPULSE_DATABASE_DIRECT_URL=postgres.url)
        for _ in range(20):
            assert running.http.get("/api/v1/jobs").status_code == 200
        found = {ask(url, "SHOW statement_timeout")[0][0] for _ in range(20)}
        assert found == {"0"}


def test_a_database_fails_over_to_its_replica(shop: Shop, postgres: Postgres) -> None:
    """The replica had all that the primary had: nothing is lost, and the job goes on where it stood."""
    with replica_of(postgres, shop.folder / "replica") as replica:
        hosts = f"127.0.0.1:{postgres.port},127.0.0.1:{replica.port}"
        url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        running = shop.serve(workers=2, RETAILPULSE_DATABASE_URL=url)
        gate = shop.gate()
        waiting = submit(running, shop.photos(200, before=gate))
        shop.wait_for_requests(8)
        wait_for(lambda: replica.has_all_of(postgres))
        postgres.crash()
        replica.promote()
        gate.set()
        wait_for(lambda: running.http.get("/health/ready").status_code == 200)
        assert running.finished(waiting)["status"] == "completed"
        assert running.finished(submit(running, shop.photos(20)))["status"] == "completed"
        assert running.stop() == 0
        check_truth(replica.url, waiting)


def test_a_primary_that_becomes_read_only_is_left_for_the_one_that_writes(
    shop: Shop, postgres: Postgres
) -> None:
    """Its connections stay open, as those of a primary that was demoted behind a balancer."""
    running = shop.serve(RETAILPULSE_DATABASE_URL=postgres.url)
    let_write(postgres, "off")
    photos = shop.photos(3)
    visit = {"store_id": "RP00001", "image_url": photos, "visit_time": "2026-11-20T10:00:00Z"}
    body = {"count": 1, "visits": [visit]}
    wait_for(lambda: running.http.post("/api/submit", json=body).status_code == 503)
    before = sessions(postgres)
    assert running.http.post("/api/submit", json=body).status_code == 503
    assert sessions(postgres) != before
    let_write(postgres, "on")
    wait_for(lambda: running.http.post("/api/submit", json=body).status_code == 201)


def sessions(postgres: Postgres) -> set[int]:
    """The sessions of the service."""
    found = postgres.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'retailpulse'")
    return {pid for (pid,) in found}


def let_write(postgres: Postgres, whether: Literal["on", "off"]) -> None:
    """Lets sessions write, or not, also those that are open."""
    with psycopg.connect(
        postgres.url, options="-c default_transaction_read_only=off", autocommit=True
    ) as held:
        read_only = sql.Literal("off" if whether == "on" else "on")
        held.execute(sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(read_only))
        held.execute("SELECT pg_reload_conf()")
