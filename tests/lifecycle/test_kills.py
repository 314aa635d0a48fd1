"""A kill -9 of any process, or of all: what was accepted still ends with exactly one result per image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.processes import Shop, processes_in, submit
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


def test_serve_killed_while_it_makes_the_data(new_shop: Shop) -> None:
    running = new_shop.begin()
    wait_for(lambda: any(running.data_dir.glob("postgres.new-*/base/*")))
    running.process.kill()  # and not the initdb, which goes on for a while
    running.process.wait()
    running = new_shop.serve()
    running.finished(submit(running, new_shop.photos(1)))
    assert running.stop() == 0
    assert [path.name for path in running.data_dir.glob("postgres*")] == ["postgres"]


@pytest.mark.slow
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
