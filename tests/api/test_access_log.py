"""The access log: a line for each request where it is asked for, and nothing that may be a secret in it."""

from pathlib import Path
from typing import Any

import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import guarded_by
from tests.api.jobs import RunningApi, body, visit
from tests.log_lines import log_lines
from tests.running import RunningService, wait_for

FIELDS = ("method", "path", "status", "bytes", "request")


def lines_of(api: RunningApi, request_id: str) -> list[dict[str, Any]]:
    return log_lines(api.log(), "request answered", request=request_id)


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> RunningApi:
    return RunningApi(tmp_path, database_url, {"RETAILPULSE_API_ACCESS_LOG": "true"}).wait_until_ready()


def test_a_request_is_one_line(api: RunningApi) -> None:
    try:
        sent = {"X-Request-Id": "r1"}
        answer = api.http.get("/api/v1/jobs?status=failed&label=a:s3cret&limit=7", headers=sent)
        api.http.get(
            "/api/v1/jobs/a%0Ab?s3cret&callback_url=https://x/?t=s3cret", headers={"X-Request-Id": "r2"}
        )
        api.http.post("/api/submit", json=body(visit()), headers={"X-Request-Id": "r3"})
        (listed,) = wait_for(lambda: lines_of(api, "r1"))
        (refused,) = wait_for(lambda: lines_of(api, "r2"))
        (submitted,) = wait_for(lambda: lines_of(api, "r3"))
    finally:
        api.stop()
    assert {name: listed[name] for name in FIELDS} == {
        "method": "GET",
        "path": "/api/v1/jobs?status=*&label=*&limit=*",
        "status": 200,
        "bytes": len(answer.content),
        "request": "r1",
    }
    assert listed["milliseconds"] > 0
    assert "key" not in listed
    assert (refused["path"], refused["status"]) == ("/api/v1/jobs/a%0Ab?*=*&callback_url=*", 400)
    assert (submitted["method"], submitted["status"]) == ("POST", 201)
    assert "s3cret" not in api.log()


def test_a_line_names_the_key_and_not_its_secret(tmp_path: Path) -> None:
    with guarded_by(tmp_path) as guarded:
        key = guarded.key(Scope.READ)
        api = guarded.api({"RETAILPULSE_API_ACCESS_LOG": "true"})
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": "r4"}
        api.http.get("/api/v1/stats", headers=headers)
        (line,) = wait_for(lambda: lines_of(api, "r4"))
    _, key_id, secret = key.split("_", 2)
    assert line["key"] == key_id
    assert secret not in api.log()


def test_there_is_none_unless_it_is_asked_for(service: RunningService) -> None:
    service.http.get("/api/v1/stats", headers={"X-Request-Id": "unlogged"})
    service.http.get("/api/v1/stats")
    assert "unlogged" not in service.log()
