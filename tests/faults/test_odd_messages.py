"""Messages that come thrice, late, never, or make no sense: the tables stay the truth.

Promises: every image ends with exactly one result, the job ends and its counts are right.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from tests.faults.breaking import ask, in_hand, session
from tests.lifecycle.processes import Shop, submit
from tests.origin import Origin
from tests.running import RunningService, wait_for

NO_JOB = "01932c5e-7a00-7000-8000-000000000000"
AGAIN = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
    SELECT 'chunks', 'work_on_chunk', -chunk_no, jsonb_build_object('job_id', job_id, 'chunk_no', chunk_no),
        now() + make_interval(secs => %s)
    FROM chunks WHERE job_id = %s
"""
"""Sends a message for every chunk of a job once more, after so many seconds."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for all messages."""
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


def send_again(shop: Shop, job_id: str, *, after_seconds: float = 0) -> None:
    with session(shop) as connection:
        connection.execute(AGAIN, [after_seconds, job_id])


def send(shop: Shop, arguments: object, *, task: str = "work_on_chunk") -> None:
    with session(shop) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('chunks', %s, %s)",
            [task, Jsonb(arguments)],
        )


def asked(shop: Shop, urls: list[str]) -> list[int]:
    """How often each of these photos was asked for."""
    requests = shop.requests()
    return [requests["/" + url.rpartition("/")[2]] for url in urls]


def test_every_message_delivered_three_times_late_and_after_the_end(
    shop: Shop, running: RunningService
) -> None:
    """Nothing is counted twice, and no image is fetched more often than its chunk was delivered."""
    gate = shop.gate()
    urls = shop.photos(60, before=gate)
    before = len(shop.origin.requests)
    job_id = submit(running, urls)
    shop.wait_for_requests(before + 8)
    send_again(shop, job_id)
    send_again(shop, job_id)
    send_again(shop, job_id, after_seconds=1)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 60
    shop.check_truth(job_id)
    assert max(asked(shop, urls)) <= 3
    before = len(shop.origin.requests)
    send_again(shop, job_id)
    shop.check_truth(job_id)
    assert len(shop.origin.requests) == before


def test_a_queue_that_is_emptied_is_filled_again(shop: Shop, running: RunningService) -> None:
    """Chunks in work and chunks that wait lose their messages; the sweep sends new ones, once."""
    gate = shop.gate()
    urls = shop.photos(400, before=gate)
    before = len(shop.origin.requests)
    job_id = submit(running, urls)
    shop.wait_for_requests(before + 16)
    wait_for(lambda: in_hand(shop) == 8)
    with session(shop) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 400
    shop.check_truth(job_id)
    assert set(asked(shop, urls)) <= {1, 2}
    assert sum(asked(shop, urls)) <= 400 + 8 * 20  # what was in hand


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"job_id": "no id", "chunk_no": 0},
        {"job_id": None, "chunk_no": None},
        {"job_id": NO_JOB, "chunk_no": 10**30},
        {"job_id": NO_JOB, "chunk_no": 0},
        {"job_id": NO_JOB, "chunk_no": 0, "more": "than asked"},
        {"context": 1, "job_id": "x"},
        [],
        "text",
        None,
    ],
    ids=repr,
)
def test_a_message_that_makes_no_sense_goes_away_and_harms_no_other(
    shop: Shop, running: RunningService, arguments: object
) -> None:
    urls = shop.photos(4)
    send(shop, arguments)
    job_id = submit(running, urls)
    running.finished(job_id)
    shop.check_truth(job_id)
    assert set(asked(shop, urls)) == {1}


def test_a_message_for_an_unknown_task_goes_away_also_where_it_names_an_open_chunk(
    shop: Shop, running: RunningService
) -> None:
    gate = shop.gate()
    before = len(shop.origin.requests)
    job_id = submit(running, shop.photos(20, before=gate))
    shop.wait_for_requests(before + 8)
    send(shop, {"job_id": NO_JOB}, task="of_a_newer_program")
    send(shop, {"job_id": job_id, "chunk_no": 0}, task="of_a_newer_program")
    wait_for(lambda: not ask(shop, "SELECT FROM procrastinate_jobs WHERE task_name <> 'work_on_chunk'"))
    gate.set()
    running.finished(job_id)
    shop.check_truth(job_id)


def test_a_job_that_is_deleted_while_it_is_worked_on_leaves_no_message(
    shop: Shop, running: RunningService
) -> None:
    """Its images are settled for nobody; a job beside it ends as ever."""
    gate = shop.gate()
    before = len(shop.origin.requests)
    gone = submit(running, shop.photos(40, before=gate))
    shop.wait_for_requests(before + 8)
    with session(shop) as connection, connection.transaction():
        for table in ("chunks", "images", "visits", "jobs"):
            connection.execute(f"DELETE FROM {table} WHERE job_id = %s".encode(), [gone])
    beside = submit(running, shop.photos(20))
    gate.set()
    running.finished(beside)
    shop.check_truth(beside)
    assert running.http.get(f"/api/v1/jobs/{gone}").status_code == 404


def test_messages_of_a_deleted_job_go_away(shop: Shop, running: RunningService) -> None:
    job_id = submit(running, shop.photos(40))
    running.finished(job_id)
    send_again(shop, job_id, after_seconds=1)
    with session(shop) as connection, connection.transaction():
        for table in ("results", "chunks", "images", "visits", "jobs"):
            connection.execute(f"DELETE FROM {table} WHERE job_id = %s".encode(), [job_id])
    shop.check_truth()
