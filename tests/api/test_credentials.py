"""Credentials of a job: they open its photos alone, are never shown, and are gone once it has ended."""

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, FORM, RunningApi, body, photo, post, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService

SECRET = "hunter2-of-the-survey"
PATH = "/api/v1/jobs"


@pytest.fixture
def private() -> Iterator[Origin]:
    """An origin that gives `/a.png` only to those who have the token."""
    with Origin() as origin:
        origin.serve("/a.png", Reply(body=photo(9, 9), allows=is_allowed))
        yield origin


def is_allowed(seen: Any) -> bool:
    return bool(seen.headers.get("authorization") == f"Bearer {SECRET}")


def of(origin: Origin, bearer: str = SECRET) -> dict[str, Any]:
    return {origin.url(""): {"bearer": bearer}}


def outcomes(service: RunningService, job_id: str) -> list[tuple[str, str | None]]:
    service.finished(job_id)
    return [(row["outcome"], row["detail"]) for row in service.results(job_id)]


def sealed(service: RunningService, job_id: str) -> list[bytes]:
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        found = connection.execute("SELECT sealed FROM job_credentials WHERE job_id = %s", [job_id])
        return [bytes(text) for (text,) in found.fetchall()]


def test_they_open_the_photos_of_their_job_alone(service: RunningService, private: Origin) -> None:
    visits = visit(CORNER_SHOP, private.url("/a.png"), private.url("/a.png?2"))
    private.serve("/a.png?2", Reply(body=photo(8, 8), allows=is_allowed))
    jobs = [
        post(service, body(visits, **fields), PATH).json()["job_id"]
        for fields in ({"credentials": of(private)}, {}, {"credentials": of(private, "wrong")})
    ]
    assert [set(outcomes(service, job_id)) for job_id in jobs] == [
        {("measured", None)},
        {("failed", "HTTP 401: invalid_token")},
        {("failed", "HTTP 401: invalid_token")},
    ]


@pytest.mark.parametrize("depth", ["header", "download", "decode"])
def test_they_may_be_in_a_header_beside_any_body(
    service: RunningService, private: Origin, depth: str
) -> None:
    rows = f"store_id,image_url,visit_time\n{CORNER_SHOP},{private.url('/a.png')},2026-11-20\n"
    headers = {"Content-Type": "text/csv", "Retailpulse-Credentials": json.dumps(of(private))}
    answer = service.http.post(PATH, content=rows, headers=headers, params={"depth": depth})
    assert outcomes(service, answer.json()["job_id"]) == [("measured", None)]
    document = json.dumps(body(visit(CORNER_SHOP, private.url("/a.png"))))
    answer = service.http.post(PATH, content=document, headers={**headers, **FORM})
    assert outcomes(service, answer.json()["job_id"]) == [("measured", None)]


def test_the_old_endpoint_takes_none(service: RunningService, private: Origin) -> None:
    answer = post(service, body(visit(CORNER_SHOP, private.url("/a.png")), credentials=of(private)))
    assert outcomes(service, answer.json()["job_id"]) == [("failed", "HTTP 401: invalid_token")]


@pytest.mark.parametrize("ending", ["end", "cancel"])
def test_they_are_sealed_until_the_job_ends_and_then_deleted(
    service: RunningService, private: Origin, ending: str
) -> None:
    let_go = threading.Event()
    url = private.serve("/slow.png", Reply(body=photo(9, 9), before=let_go, allows=is_allowed))
    job_id = post(service, body(visit(CORNER_SHOP, url), credentials=of(private)), PATH).json()["job_id"]
    try:
        (kept,) = sealed(service, job_id)
        assert SECRET.encode() not in kept
        assert SECRET not in service.http.get(f"{PATH}/{job_id}").text
        if ending == "cancel":
            service.http.post(f"{PATH}/{job_id}/cancel").raise_for_status()
            assert sealed(service, job_id) == []
    finally:
        let_go.set()
    service.finished(job_id)
    assert sealed(service, job_id) == []


def test_a_job_that_has_ended_at_once_keeps_none(service: RunningService, private: Origin) -> None:
    job_id = post(service, body(visit("no such store"), credentials=of(private)), PATH).json()["job_id"]
    assert service.finished(job_id)["causes"] == {"store_id_not_found": 1}
    assert sealed(service, job_id) == []


def test_a_retry_needs_them_again(service: RunningService, private: Origin) -> None:
    given = body(visit(CORNER_SHOP, private.url("/a.png")), credentials=of(private, "stale"))
    job_id = post(service, given, PATH).json()["job_id"]
    assert outcomes(service, job_id) == [("failed", "HTTP 401: invalid_token")]
    path = f"{PATH}/{job_id}/retry"
    said = problem(service.http.post(path), 409, "conflict")
    assert "give them again" in said["detail"]
    problem(
        service.http.post(path, json={"credentials": {"a b": {"bearer": SECRET}}}), 400, "invalid-request"
    )
    service.http.post(path, json={"causes": ["http_status"], "credentials": of(private)}).raise_for_status()
    assert outcomes(service, job_id) == [("measured", None)]
    assert sealed(service, job_id) == []


@pytest.mark.parametrize(
    "credentials",
    [
        SECRET,
        [SECRET],
        {"a.example": SECRET},
        {"a.example": {"bearer": [SECRET]}},
        {"a.example": {"bearer": f"{SECRET}\r\nX: 1"}},
        {"a.example": {"basic": SECRET}},
        {"a.example": {"token": SECRET}},
        {"a.example": {"headers": {"Cookie": SECRET}}},
        {"a.example": {"headers": {"X-Key": f"{SECRET}\n"}}},
        {"a.example": {"bearer": SECRET, "basic": f"a:{SECRET}"}},
        {"a.example": {}},
        {f"https://user:{SECRET}@a.example": {"bearer": SECRET}},
        {f"{number}.example": {"bearer": SECRET} for number in range(17)},
        {"a.example": {"bearer": SECRET}, "https://a.example:443": {"bearer": SECRET}},
    ],
)
def test_what_cannot_be_sent_is_refused_without_being_quoted(
    service: RunningService, credentials: Any
) -> None:
    refused = post(service, body(visit(), credentials=credentials), PATH)
    assert "credentials" in problem(refused, 400, "invalid-request")["detail"]
    headers = {**FORM, "Retailpulse-Credentials": json.dumps(credentials)}
    by_header = service.http.post(PATH, json=body(visit()), headers=headers)
    assert "redentials" in problem(by_header, 400, "invalid-request")["detail"]
    assert SECRET not in refused.text + by_header.text + service.log()


def test_they_are_refused_where_others_could_see_them_or_one_would_be_dropped(
    service: RunningService, private: Origin
) -> None:
    given = json.dumps(of(private))
    in_query = service.http.post(PATH, json=body(visit()), params={"credentials": given})
    assert "in the header" in problem(in_query, 400, "invalid-request")["detail"]
    headers = [(name, value) for name, value in FORM.items()]
    twice = [*headers, ("Retailpulse-Credentials", given), ("Retailpulse-Credentials", given)]
    refused = service.http.post(PATH, content=json.dumps(body(visit())), headers=twice)
    assert "more than once" in problem(refused, 400, "invalid-request")["detail"]


def test_a_retry_takes_them_from_the_header_too(service: RunningService, private: Origin) -> None:
    given = body(visit(CORNER_SHOP, private.url("/a.png")), credentials=of(private, "stale"))
    job_id = post(service, given, PATH).json()["job_id"]
    assert outcomes(service, job_id) == [("failed", "HTTP 401: invalid_token")]
    headers = {"Retailpulse-Credentials": json.dumps(of(private))}
    service.http.post(f"{PATH}/{job_id}/retry", headers=headers).raise_for_status()
    assert outcomes(service, job_id) == [("measured", None)]


def test_without_a_key_a_job_with_credentials_is_refused(idle: RunningApi, private: Origin) -> None:
    refused = post(idle, body(visit(), credentials=of(private)), PATH)
    assert "RETAILPULSE_FETCH_CREDENTIALS_KEY" in problem(refused, 400, "invalid-request")["detail"]


def test_the_same_request_with_a_key_is_one_job_whose_digest_tells_no_password(
    service: RunningService, private: Origin
) -> None:
    content = json.dumps(body(visit(CORNER_SHOP, private.url("/a.png")), credentials=of(private)))
    headers = {**FORM, "Idempotency-Key": "private"}
    first, again = (service.http.post(PATH, content=content, headers=headers) for _ in range(2))
    assert first.json()["job_id"] == again.json()["job_id"]
    other = content.replace(SECRET, "another")
    problem(service.http.post(PATH, content=other, headers=headers), 409, "conflict")
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        query = "SELECT request_sha256 FROM idempotency_keys WHERE key = 'private'"
        ((kept,),) = connection.execute(query).fetchall()
    assert bytes(kept) != hashlib.sha256(content.encode()).digest()
