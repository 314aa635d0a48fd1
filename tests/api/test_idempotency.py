"""Idempotency-Key on submit: the same request twice is one job, whatever came between."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import body, visit
from tests.api.test_submit import refused
from tests.running import RunningService


def submit(
    service: RunningService, key: str, content: Mapping[str, Any], path: str = "/api/submit"
) -> httpx.Response:
    return service.http.post(path, json=content, headers={"Idempotency-Key": key})


def jobs_of(service: RunningService, visit_time: str) -> int:
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        rows = connection.execute("SELECT FROM visits WHERE visit_time = %s", [visit_time])
        return rows.rowcount


@pytest.mark.parametrize("second", ["/api/submit", "/api/v1/jobs"])
def test_the_same_key_with_the_same_body_gives_the_same_job(service: RunningService, second: str) -> None:
    key, content = str(uuid.uuid4()), body(visit(at=f"once, then by {second}"))
    answers = [submit(service, key, content), submit(service, key, content, second)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["job_id"] == answers[1].json()["job_id"]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert jobs_of(service, f"once, then by {second}") == 1


def test_twenty_at_the_same_moment_are_one_job(service: RunningService) -> None:
    key, content = str(uuid.uuid4()), body(visit(at="all at once"))
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: submit(service, key, content), range(20)))
    assert {answer.status_code for answer in answers} <= {201, 503}  # the pool is small; 503 is tried again
    assert len({answer.json()["job_id"] for answer in answers if answer.status_code == 201}) == 1
    assert jobs_of(service, "all at once") == 1


def test_the_same_key_with_another_body_is_a_conflict_and_makes_no_job(service: RunningService) -> None:
    key = str(uuid.uuid4())
    submit(service, key, body(visit()))
    assert "another request" in refused(submit(service, key, body(visit(at="contradiction"))), 409)
    assert jobs_of(service, "contradiction") == 0


def test_what_the_query_of_a_document_says_belongs_to_the_request(service: RunningService) -> None:
    key, content = str(uuid.uuid4()), body(visit(at="asked by a query"))
    first = submit(service, key, content, "/api/v1/jobs?priority=1")
    again = submit(service, key, content, "/api/v1/jobs?priority=1&on_bad_row=refuse")
    assert again.json()["job_id"] == first.json()["job_id"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    skipping = "/api/v1/jobs?priority=1&on_bad_row=skip"
    for path in ("/api/v1/jobs?priority=2", "/api/v1/jobs", skipping):
        assert submit(service, key, content, path).status_code == 409
    assert jobs_of(service, "asked by a query") == 1


def test_a_refused_request_does_not_use_up_its_key(service: RunningService) -> None:
    key = str(uuid.uuid4())
    refused(submit(service, key, {"count": 2, "visits": []}))
    assert submit(service, key, body(visit())).status_code == 201


def test_a_key_is_forgotten_after_its_time(service: RunningService) -> None:
    key, content = str(uuid.uuid4()), body(visit())
    first = submit(service, key, content).json()
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        connection.execute(
            "UPDATE idempotency_keys SET submitted_at = submitted_at - %s WHERE key = %s",
            [timedelta(hours=24), key],
        )
    second = submit(service, key, content).json()
    assert second != first
    assert submit(service, key, content).json() == second


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "h\xe9"])
def test_a_key_that_is_none_is_refused(service: RunningService, key: str) -> None:
    answer = service.http.post(
        "/api/submit", json=body(visit()), headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )
    assert "Idempotency-Key: write 1 to 255 printable ASCII characters" in refused(answer)
