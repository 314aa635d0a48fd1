"""GET /api/v1/hosts and what a job waits for: an operator sees why a job is slow."""

from typing import Any

import pytest

from tests.api.jobs import RunningApi, wrong_parameter
from tests.api.paging import pages_of
from tests.storage.waiting import Waiting

A, B, C = "https://a.example:443", "https://b.example:443", "http://c.example:80"


def items(api: RunningApi, **params: Any) -> list[dict[str, Any]]:
    answer = api.http.get("/api/v1/hosts", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_host_is_told_whole(idle: RunningApi, waiting: Waiting) -> None:
    host = waiting.host(
        A, cap=8, breaker="open", failed_probes=2, latency_seconds=0.12345, rate_per_second=2.5
    )
    waiting.refused(host, "http_status", "HTTP 503", seconds_ago=1)
    waiting.rests(host, seconds=600)
    job_id, worker = waiting.job(9), waiting.worker()
    waiting.slices(host, job_id, images=7)
    waiting.lease(host, worker, 1, in_flight=1)
    waiting.grant(host, worker, job_id, [8, 9])
    (told,) = items(idle)
    assert 0 < told.pop("rest_seconds") <= 600
    refusal = told.pop("last_refusal")
    assert (refusal["cause"], refusal["detail"]) == ("http_status", "HTTP 503")
    assert refusal["at"].endswith("Z")
    assert told == {
        "origin": A,
        "cap": 1,
        "in_flight": 1,
        "leased": 1,
        "waiting": 7,
        "waiting_jobs": 1,
        "counted_all": True,
        "taken": 2,
        "latency_seconds": 0.123,
        "rate_per_second": 2.5,
        "breaker": "open",
        "failed_probes": 2,
    }


def test_pages_of_hosts_tell_each_once_where_most_waits_first(idle: RunningApi, waiting: Waiting) -> None:
    job_id = waiting.job(9)
    for origin, images in ((A, 2), (B, 7), (C, 7)):
        waiting.slices(waiting.host(origin), job_id, images=images)
    waiting.slices([-1, -2], job_id, slices=2, images=1)
    told = [[item["origin"] for item in page["items"]] for page in pages_of(idle, "/api/v1/hosts", limit=2)]
    assert told == [[C, B], ["(many hosts)", A]]


def test_a_host_is_found_by_its_origin_in_use_or_not(idle: RunningApi, waiting: Waiting) -> None:
    waiting.host(A)
    waiting.slices(waiting.host(B), waiting.job(9), images=1)
    assert [item["origin"] for item in items(idle)] == [B]
    assert [item["origin"] for item in items(idle, origin=A)] == [A]
    assert [item["origin"] for item in items(idle, origin=[A, B])] == [B, A]
    assert items(idle, origin="https://photos.example") == []


@pytest.mark.parametrize(
    ("params", "named"),
    [({"origin": "\0"}, "origin"), ({"limit": 0}, "limit"), ({"cursor": "nonsense"}, "cursor")],
)
def test_a_parameter_that_cannot_be_read_is_named(
    idle: RunningApi, params: dict[str, Any], named: str
) -> None:
    wrong_parameter(idle.http.get("/api/v1/hosts", params=params), named)


def test_a_job_says_what_it_waits_for_and_why(idle: RunningApi, waiting: Waiting) -> None:
    job_id, worker = waiting.job(1_000), waiting.worker()
    learnt: dict[str, dict[str, Any]] = {
        "breaker": {"breaker": "half_open", "rate_per_second": 1.0},
        "rest": {"rate_per_second": 1.0},
        "pace": {"rate_per_second": 1.0, "cap": 1},
        "cap": {"cap": 4},
        "room": {"cap": 5},
        "unknown": {},
        "unknown-full": {},
    }
    for place, (name, known) in enumerate(learnt.items()):
        host = waiting.host(f"https://{name}.example:443", **known)
        waiting.slices(host, job_id, images=50 - place)
        in_flight = {"cap": 4, "room": 3, "unknown-full": 15}.get(name, 1)
        waiting.lease(host, worker, 16, in_flight)
        if name == "rest":
            waiting.rests(host, seconds=600)
    told = idle.http.get(f"/api/v1/jobs/{job_id}").json()["waiting_for"]
    assert [host["reason"] for host in told["hosts"]] == ["breaker", "rest", "pace", "cap", None, None, "cap"]
    assert [host["images"] for host in told["hosts"]] == [50, 49, 48, 47, 46, 45, 44]
    assert (told["more_hosts"], told["counted_all"]) == (0, True)


def test_a_job_names_the_ten_hosts_where_most_of_it_waits(idle: RunningApi, waiting: Waiting) -> None:
    job_id = waiting.job(1_000)
    for number in range(13):
        waiting.slices(waiting.host(f"https://{number}.example:443"), job_id, images=10 + number)
    told = idle.http.get(f"/api/v1/jobs/{job_id}").json()["waiting_for"]
    assert [host["images"] for host in told["hosts"]] == list(range(22, 12, -1))
    assert told["more_hosts"] == 3


def test_only_the_answer_about_an_ongoing_job_says_it(idle: RunningApi, waiting: Waiting) -> None:
    ended, ongoing = waiting.job(1, status="completed"), waiting.job(1)
    waiting.slices(waiting.host(A), ongoing, images=1)
    assert idle.http.get(f"/api/v1/jobs/{ended}").json()["waiting_for"] is None
    assert idle.http.get(f"/api/v1/jobs/{ongoing}").json()["waiting_for"]["hosts"]
    assert all("waiting_for" not in item for item in idle.http.get("/api/v1/jobs").json()["items"])
