"""Each request has an id: in every answer, in problems, and in the log lines that are written for it."""

import re
from typing import Any

import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import guarded_by
from tests.api.jobs import NOWHERE, body, held, photo, post, problem, visit
from tests.log_lines import log_lines
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

COUNTS = ("images", "measured", "failed", "cancelled", "flagged", "retries")
NEW = re.compile("[0-9a-f]{24}")
PATHS = [
    "/health/live",
    "/openapi.json",
    "/api/v1/jobs",
    "/api/v1/nothing",
    "/api/status?jobid=1",
    "/api/v1/jobs?x=1",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_id_that_was_sent_or_a_new_one(service: RunningService, path: str) -> None:
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        given = service.http.request(method, path, headers={"X-Request-Id": "order-17/a"})
        assert given.headers.get_list("x-request-id") == ["order-17/a"]
    first, second = (service.http.get(path).headers["x-request-id"] for _ in range(2))
    assert NEW.fullmatch(first)
    assert first != second


@pytest.mark.parametrize("sent", ["", "a b", "a" * 129, "ü", "a\tb"])
def test_an_id_that_cannot_be_used_is_replaced(service: RunningService, sent: str) -> None:
    answer = service.http.get("/health/live", headers=[(b"X-Request-Id", sent.encode())])
    assert NEW.fullmatch(answer.headers["x-request-id"])


def test_the_longest_id_is_kept(service: RunningService) -> None:
    answer = service.http.get("/health/live", headers={"X-Request-Id": "~" * 128})
    assert answer.headers["x-request-id"] == "~" * 128


def test_a_problem_names_it_and_the_old_endpoints_say_what_they_said(service: RunningService) -> None:
    answer = service.http.get("/api/v1/jobs/x", headers={"X-Request-Id": "r1"})
    assert problem(answer, 404, "not-found")["request_id"] == "r1"
    assert list(service.http.get("/api/visits").json()) == ["error"]


def test_who_is_not_let_in_is_told_it_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    with guarded_by(tmp_path_factory.mktemp("ids")) as guarded:
        guarded.key(Scope.READ)
        answer = guarded.api().http.get("/api/v1/jobs", headers={"X-Request-Id": "r2"})
    assert problem(answer, 401, "unauthenticated")["request_id"] == "r2"
    assert answer.headers["x-request-id"] == "r2"


def job_lines(service: RunningService, job_id: str) -> list[dict[str, Any]]:
    """The lines of the log that say what became of a job."""
    return [line for line in log_lines(service.log(), job=job_id) if line["event"].startswith("job ")]


def counts_in(line: dict[str, Any]) -> dict[str, int]:
    return {name: line[name] for name in COUNTS if name in line}


def test_a_job_has_a_line_at_its_beginning_and_one_at_its_end(
    service: RunningService, origin: Origin
) -> None:
    good = photo(30, 20)
    urls = [origin.serve(f"/logged-{number}.png", Reply(body=good)) for number in range(3)]
    gone = origin.url("/logged-gone.png")
    sent = service.http.post(
        "/api/v1/jobs",
        json=body(visit("RP00001", *urls, gone), name="week\n47"),
        headers={"X-Request-Id": "submit-1"},
    )
    job_id = sent.json()["job_id"]
    service.finished(job_id)
    accepted, ended = wait_for(lambda: lines if len(lines := job_lines(service, job_id)) == 2 else None)
    assert (accepted["process"], accepted["event"], accepted["depth"]) == ("api", "job accepted", "decode")
    assert (accepted["job_name"], accepted["request"]) == ("week\n47", "submit-1")
    assert counts_in(accepted) == {"images": 4}
    assert (ended["process"], ended["event"], ended["job_name"]) == ("worker", "job failed", "week\n47")
    assert counts_in(ended) == dict(zip(COUNTS, (4, 3, 1, 0, 0, 0), strict=True))
    assert ended["seconds"] >= 0
    lines = log_lines(service.log(), job=job_id)
    assert [line["event"] for line in lines] == ["job accepted", "job failed"]  # and none for an image


def test_a_job_that_ends_in_a_request_has_its_line_too(service: RunningService) -> None:
    job_id = post(service, body(visit("nowhere", NOWHERE))).json()["job_id"]
    service.http.post(f"/api/v1/jobs/{job_id}/retry", headers={"X-Request-Id": "retry-1"})
    accepted, ended, again = job_lines(service, job_id)
    assert (accepted["event"], accepted["images"]) == ("job accepted", 1)
    assert (ended["event"], counts_in(ended)) == (
        "job failed", dict(zip(COUNTS, (1, 0, 1, 0, 0, 0), strict=True)),
    )  # fmt: skip
    assert (again["event"], again["retries"], again["request"]) == ("job failed", 1, "retry-1")


def test_a_cancel_has_its_line_once(service: RunningService, origin: Origin) -> None:
    with held(origin, "/logged-slow.png", photo(8, 8)) as slow:
        job_id = service.submit([visit("RP00001", slow)])
        for _ in range(2):
            service.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
    _, ended = job_lines(service, job_id)
    assert (ended["event"], counts_in(ended)) == (
        "job cancelled", dict(zip(COUNTS, (1, 0, 0, 1, 0, 0), strict=True)),
    )  # fmt: skip
