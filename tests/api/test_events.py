"""GET /api/v1/jobs/{id}/events: every change in time, the end once, whoever listens and whenever."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import psycopg

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, NO_JOB, body, held, photo, post, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

LISTENERS = 200
LISTENER = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    id: str | None
    data: dict[str, Any]
    at: float


@contextmanager
def listening(service: RunningService, job_id: str, last: str | None = None) -> Iterator[httpx.Response]:
    headers = {} if last is None else {"Last-Event-ID": last}
    with LISTENER.stream("GET", f"{service.url}/api/v1/jobs/{job_id}/events", headers=headers) as answer:
        yield answer


def events(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream as a browser sees them."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            data = json.loads(fields["data"])
            yield Event(name=fields["event"], id=fields.get("id"), data=data, at=time.monotonic())
            fields = {}


def listen(service: RunningService, job_id: str, last: str | None = None) -> list[Event]:
    with listening(service, job_id, last) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(events(answer))


def test_a_job_is_followed_from_the_beginning_to_its_end(service: RunningService, origin: Origin) -> None:
    gates = [threading.Event() for _ in range(6)]
    urls = [
        origin.serve(f"/events/{number}.png", Reply(body=photo(9, 9), before=gate))
        for number, gate in enumerate(gates)
    ]
    job_id = post(service, body(visit(CORNER_SHOP, *urls))).json()["job_id"]
    seen: list[Event] = []
    with listening(service, job_id) as answer:
        for event in events(answer):
            seen.append(event)
            if event.name == "progress":
                gates[event.data["images"]["settled"]].set()
    assert [event.name for event in seen] == ["progress"] * 6 + ["end"]
    assert [event.data["images"]["settled"] for event in seen] == list(range(7))
    assert seen[-1].data["status"] == "completed"
    assert seen[-1].data["finished_at"] is not None
    assert len({event.id for event in seen}) == 7
    progress = [event.at for event in seen[:-1]]
    assert all(later - earlier > 0.2 for earlier, later in pairwise(progress[1:]))


def test_a_job_that_ended_long_ago_is_told_at_once_and_only_once(service: RunningService) -> None:
    job_id = post(service, body(visit(CORNER_SHOP))).json()["job_id"]
    service.finished(job_id)
    (end,) = listen(service, job_id)
    assert (end.name, end.data["status"], end.data["images"]["failed"]) == ("end", "failed", 1)
    with listening(service, job_id, end.id) as answer:
        assert (answer.status_code, answer.read()) == (204, b"")
    assert listen(service, job_id, "0-0-ongoing")[0].id == end.id


def test_who_comes_back_is_told_what_is_new_and_nothing_twice(
    service: RunningService, origin: Origin
) -> None:
    with held(origin, "/events/resumed.png", photo(9, 9)) as url:
        job_id = post(service, body(visit(CORNER_SHOP, url))).json()["job_id"]
        with listening(service, job_id) as answer:
            first = next(events(answer))
        assert (first.name, first.id) == ("progress", "0-0-ongoing")
        with listening(service, job_id, first.id) as answer:
            origin.wait_until(lambda: any(seen.path == "/events/resumed.png" for seen in origin.requests))
            origin.serve("/events/resumed.png")  # nobody asks again
            with ThreadPoolExecutor() as threads:
                rest = threads.submit(lambda: list(events(answer)))
                service.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
                assert [(event.name, event.data["status"]) for event in rest.result()] == [
                    ("end", "cancelled")
                ]


def test_a_retried_job_has_another_end(service: RunningService) -> None:
    job_id = post(service, body(visit("nobody"))).json()["job_id"]
    (first,) = listen(service, job_id)
    service.http.post(f"/api/v1/jobs/{job_id}/retry").raise_for_status()
    (second,) = listen(service, job_id, first.id)
    assert (second.name, second.data["retries"]) == ("end", 1)


def test_who_listens_to_a_job_that_is_deleted_is_told(service: RunningService, origin: Origin) -> None:
    with held(origin, "/events/deleted.png", photo(9, 9)) as url:
        job_id = post(service, body(visit(CORNER_SHOP, url))).json()["job_id"]
        with listening(service, job_id) as answer:
            stream = events(answer)
            assert next(stream).name == "progress"
            with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
                for table in ("jobs", "images", "visits", "slices", "grants", "results"):  # as no request can
                    connection.execute(f"DELETE FROM {table} WHERE job_id = %s".encode(), [job_id])
            assert next(stream).name == "deleted"
            assert list(stream) == []


def test_an_unknown_job_cannot_be_followed(service: RunningService) -> None:
    for unknown in (NO_JOB, "nonsense"):
        problem(service.http.get(f"/api/v1/jobs/{unknown}/events"), 404, "not-found")


def test_hundreds_of_listeners_cost_the_database_no_connection_each(
    service: RunningService, origin: Origin
) -> None:
    url = EmbeddedServer(service.data_dir).url()
    heard = 0
    lock = threading.Lock()

    def follow(job_id: str) -> str:
        nonlocal heard
        with listening(service, job_id) as answer:
            stream = events(answer)
            next(stream)
            with lock:
                heard += 1
            return [event.name for event in stream][-1]

    with (
        held(origin, "/events/hundreds.png", photo(9, 9)) as photo_url,
        ThreadPoolExecutor(LISTENERS) as threads,
    ):
        job_ids = [post(service, body(visit(CORNER_SHOP, photo_url))).json()["job_id"] for _ in range(20)]
        followed = [threads.submit(follow, job_ids[number % 20]) for number in range(LISTENERS)]
        wait_for(lambda: heard == LISTENERS)
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'retailpulse'"
            ).fetchone()
        assert row is not None
        assert row[0] <= 8 + 4 + 2  # the pools of one API and one worker, and its listener
        assert service.http.get("/health/ready").status_code == 200
        for job_id in job_ids:
            service.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
        assert {future.result() for future in followed} == {"end"}
