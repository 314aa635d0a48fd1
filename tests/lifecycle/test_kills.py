"""A kill -9 of any process, or of all: what was accepted still ends with exactly one result per image."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.lifecycle.processes import Shop, kill_all, processes_in, submit
from tests.origin import Origin
from tests.running import RunningService, wait_for


@pytest.fixture(scope="module")
def lasting_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Origin() as origin:
        shop = Shop(Path(tmp_path_factory.mktemp("lasting")), origin)
        yield shop
        shop.close()


@pytest.fixture(scope="module")
def running(lasting_shop: Shop) -> RunningService:
    """A service of two workers that is never stopped between the tests, only hurt."""
    return lasting_shop.serve(workers=2)


@pytest.fixture
def lasting(lasting_shop: Shop) -> Iterator[Shop]:
    """The shop of `running`; no photo waits any more when the next test begins."""
    yield lasting_shop
    lasting_shop.open_gates()


def postmaster(running: RunningService) -> int:
    (pid,) = running.pids()["postgres"]
    return pid


def test_all_processes_killed_at_once(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2)
    first = submit(running, shop.photos(40))
    running.finished(first)
    second = submit(running, [*shop.photos(30), *shop.photos(30, before=gate)])
    wait_for(lambda: running.job(second)["images"]["settled"] == 30)
    wait_for(lambda: shop.origin.busy >= 8)
    kill_all(shop.folder)
    gate.set()
    running = shop.serve(workers=2)
    assert running.job(first)["status"] == "completed"
    assert running.finished(second)["images"] == {"total": 60, "settled": 60, "measured": 60, "failed": 0}
    shop.check_truth(first, second)
    requests = shop.requests()
    assert {requests[f"/{number}.png"] for number in range(70)} == {1}
    assert max(requests.values()) <= 2


def test_serve_killed_alone(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2)
    job_id = submit(running, shop.photos(20, before=gate))
    shop.wait_for_requests(8)
    pid = postmaster(running)
    running.process.kill()
    running.process.wait()
    wait_for(lambda: "the supervisor is gone" in running.log())
    gate.set()
    wait_for(lambda: not [text for text in processes_in(shop.folder).values() if "--parent-fd" in text])
    assert pid in processes_in(shop.folder)
    running = shop.serve(workers=2)
    assert postmaster(running) == pid
    running.finished(job_id)
    shop.check_truth(job_id)
    assert set(shop.requests().values()) == {1}
    assert running.stop() == 0
    assert processes_in(shop.folder) == {}


def test_serve_killed_while_it_makes_the_data(shop: Shop) -> None:
    running = shop.begin()
    wait_for(lambda: any(running.data_dir.glob("postgres.new-*/base/*")))
    running.process.kill()  # and not the initdb, which goes on for a while
    running.process.wait()
    running = shop.serve()
    running.finished(submit(running, shop.photos(1)))
    assert running.stop() == 0
    assert [path.name for path in running.data_dir.glob("postgres*")] == ["postgres"]


def test_one_worker_killed_in_its_work(lasting: Shop, running: RunningService) -> None:
    gate = lasting.gate()
    before = sum(lasting.requests().values())
    job_id = submit(running, lasting.photos(160, before=gate))  # four chunks for each worker
    lasting.wait_for_requests(before + 16)
    victim, peer = running.pids()["worker"]
    os.kill(victim, signal.SIGKILL)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 160
    lasting.check_truth(job_id)
    assert max(lasting.requests().values()) <= 2
    wait_for(lambda: len(running.pids()["worker"]) == 2)
    assert victim not in running.pids()["worker"]
    assert peer in running.pids()["worker"]


def test_the_api_killed(lasting: Shop, running: RunningService) -> None:
    gate = lasting.gate()
    job_id = submit(running, lasting.photos(40, before=gate))
    (victim,) = running.pids()["api"]
    os.kill(victim, signal.SIGKILL)
    gate.set()

    def answers() -> bool:
        try:
            return running.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_for(answers)
    assert running.finished(job_id)["images"]["measured"] == 40
    lasting.check_truth(job_id)


@pytest.mark.parametrize("whom", ["the postmaster", "the postmaster and its processes", "a process of it"])
def test_postgresql_killed(lasting: Shop, running: RunningService, whom: str) -> None:
    gate = lasting.gate()
    before = sum(lasting.requests().values())
    job_id = submit(running, lasting.photos(60, before=gate))
    lasting.wait_for_requests(before + 8)  # one worker may have all chunks
    starts = count_starts(running)
    pid = postmaster(running)
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    children = [int(number) for number in found.stdout.split()]
    for number in {"a process of it": children[:1], "the postmaster": [pid]}.get(whom, [pid, *children]):
        os.kill(number, signal.SIGKILL)
    gate.set()
    wait_for(lambda: count_starts(running) > starts)
    wait_for(lambda: running.http.get("/health/ready").status_code == 200)
    assert running.finished(job_id)["images"]["measured"] == 60
    lasting.check_truth(job_id)


def count_starts(running: RunningService) -> int:
    """How often PostgreSQL has begun to take connections, also after a crash of one of its processes."""
    log = running.data_dir / "postgres" / "server.log"
    return log.read_text().count("database system is ready to accept connections")


def test_ten_jobs_at_once_and_one_of_thousands_of_images(lasting: Shop, running: RunningService) -> None:
    urls = lasting.photos(3_000)
    job_ids = [running.submit(visits(urls[number::10][:90])) for number in range(10)]
    job_ids.append(running.submit(visits(urls), depth="header"))
    for job_id in job_ids:
        assert running.http.get("/api/status", params={"jobid": job_id}).json()["job_id"] == job_id
    counts = [running.finished(job_id)["images"] for job_id in job_ids]
    assert [(count["total"], count["measured"]) for count in counts] == [(90, 90)] * 10 + [(3000, 3000)]
    lasting.check_truth(*job_ids)
    numbers = [row["image_no"] for row in running.results(job_ids[-1])]
    assert numbers == list(range(1, 3001))


def visits(urls: list[str]) -> list[dict[str, object]]:
    """Ten photos in each visit."""
    return [
        {"store_id": "RP00001", "image_url": urls[first : first + 10], "visit_time": "2026-11-20"}
        for first in range(0, len(urls), 10)
    ]
