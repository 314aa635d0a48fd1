"""Rows that vanish, are wrong, or make no sense: results stay the truth, and `check` mends the rest.

Promises: every image ends with exactly one result, the job ends and its counts are right.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.breaking import ask, in_hand, session
from tests.lifecycle.processes import Shop, submit
from tests.origin import Origin
from tests.running import RunningService, clean_environment, wait_for

SLOTS, FEW = 16, 4
TRUE_SUMS = """
    SELECT FROM hosts h
    WHERE leased <> (SELECT coalesce(sum(slots), 0) FROM leases l WHERE l.host_id = h.host_id)
"""
"""Hosts whose leased slots are not what the leases say."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for all rows."""
    with Origin() as origin:
        shop = Shop(Path(tmp_path_factory.mktemp("odd")), origin)
        yield shop
        shop.close()


@pytest.fixture(scope="module")
def service(shop: Shop) -> RunningService:
    """A service that is not stopped between the tests."""
    return shop.serve(workers=2)


@pytest.fixture
def running(shop: Shop, service: RunningService) -> Iterator[RunningService]:
    """The service; none of its workers has died in the test, and no photo waits after it."""
    workers = service.pids()["worker"]
    yield service
    shop.open_gates()
    assert service.pids()["worker"] == workers


def drop_grants(shop: Shop) -> int:
    """Deletes all grants, and says how many images they named."""
    deleted = ask(shop, "DELETE FROM grants RETURNING cardinality(image_nos)")
    return sum(count for (count,) in deleted)


def run(shop: Shop, statement: str, *values: object) -> None:
    with session(shop) as connection:
        connection.execute(statement.encode(), values)


def repair(shop: Shop) -> str:
    """What `retailpulse check --repair` says; it ends with 0 where everything is right afterwards."""
    command = [sys.executable, "-m", "retailpulse", "check", "--repair", f"--data-dir={shop.folder / 'data'}"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(shop: Shop, urls: list[str]) -> set[int]:
    """How often these photos were asked for."""
    requests = shop.requests()
    return {requests["/" + url.rpartition("/")[2]] for url in urls}


def in_work(shop: Shop, running: RunningService, photos: int) -> tuple[str, list[str]]:
    """A job whose photos wait for their gate, some of them in flight."""
    urls = shop.photos(photos, before=shop.gate())
    before = len(shop.origin.requests)
    job_id = submit(running, urls)
    shop.wait_for_requests(before + FEW)
    wait_for(lambda: in_hand(shop) >= FEW)
    return job_id, urls


def test_all_slices_of_a_job_deleted_are_put_back_by_check(shop: Shop, running: RunningService) -> None:
    job_id, urls = in_work(shop, running, 200)
    run(shop, "DELETE FROM slices WHERE job_id = %s", job_id)
    held = in_hand(shop)
    shop.open_gates()
    wait_for(lambda: running.job(job_id)["images"]["settled"] == held)
    assert f"lost images put in line again: {200 - held}" in repair(shop)
    assert running.finished(job_id)["images"]["measured"] == 200
    shop.check_truth(job_id)
    assert asked(shop, urls) == {1}


def test_grants_deleted_under_their_workers_cost_nothing(shop: Shop, running: RunningService) -> None:
    """Whoever has an image in hand settles it all the same."""
    job_id, urls = in_work(shop, running, 60)
    assert drop_grants(shop)
    shop.open_gates()
    assert running.finished(job_id)["images"]["measured"] == 60
    shop.check_truth(job_id)
    assert asked(shop, urls) == {1}


def test_grants_deleted_whose_workers_are_killed_are_put_back_by_check(
    shop: Shop, service: RunningService
) -> None:
    job_id, urls = in_work(shop, service, 60)
    lost = drop_grants(shop)
    for victim in service.pids()["worker"]:
        os.kill(victim, signal.SIGKILL)
    shop.open_gates()
    wait_for(lambda: service.job(job_id)["images"]["settled"] == 60 - lost)
    assert f"lost images put in line again: {lost}" in repair(shop)
    assert service.finished(job_id)["images"]["measured"] == 60
    shop.check_truth(job_id)
    assert asked(shop, urls) == {1, 2}


def test_leases_deleted_under_living_workers_are_taken_anew(shop: Shop, running: RunningService) -> None:
    """A worker that has none any more begins nothing; what the hosts count is mended by a sweep."""
    shop.origin.most_busy = 0
    job_id = submit(running, shop.photos(300, seconds=0.1))
    wait_for(lambda: shop.origin.busy >= FEW)
    run(shop, "DELETE FROM leases")
    wait_for(lambda: not ask(shop, TRUE_SUMS) and ask(shop, "SELECT FROM leases WHERE slots > 0"))
    assert running.finished(job_id)["images"]["measured"] == 300
    shop.check_truth(job_id)
    wait_for(lambda: not ask(shop, TRUE_SUMS))
    assert shop.origin.most_busy < 2 * SLOTS


@pytest.mark.parametrize("leased", [0, 1_000])
def test_a_host_that_counts_its_slots_wrongly_is_mended(
    shop: Shop, running: RunningService, leased: int
) -> None:
    """Neither does anybody fail who gives slots back, nor does the host stay without work."""
    job_id, urls = in_work(shop, running, 60)
    run(shop, "UPDATE hosts SET leased = %s WHERE host_id > 0", leased)
    shop.open_gates()
    running.finished(job_id)
    wait_for(lambda: not ask(shop, "SELECT FROM leases"))
    run(shop, "UPDATE hosts SET leased = %s WHERE host_id > 0", leased)
    later = submit(running, shop.photos(20))
    running.finished(later)
    wait_for(lambda: not ask(shop, TRUE_SUMS))
    shop.check_truth(job_id, later)
    assert asked(shop, urls) == {1}


def test_a_job_that_is_deleted_while_it_is_worked_on_leaves_nothing(
    shop: Shop, running: RunningService
) -> None:
    """Its images are settled for nobody; a job beside it ends as ever."""
    gone, _ = in_work(shop, running, 40)
    with session(shop) as connection, connection.transaction():
        for table in ("slices", "grants", "images", "visits", "job_stores", "jobs"):
            connection.execute(f"DELETE FROM {table} WHERE job_id = %s".encode(), [gone])
    beside = submit(running, shop.photos(20))
    shop.open_gates()
    running.finished(beside)
    for table in ("visits", "images", "results"):
        run(shop, f"DELETE FROM {table} WHERE job_id = %s", gone)
    shop.check_truth(beside)
    assert running.http.get(f"/api/v1/jobs/{gone}").status_code == 404
