"""A query parameter or a field that there is not is refused, and the answer says which may be meant."""

from typing import Any

import pytest

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from tests.api.jobs import CORNER_SHOP, NO_JOB, NOWHERE, body, post, problem, visit
from tests.running import RunningService

OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in describe(HANDLERS, PROVIDED)["paths"].items()
    for method, operation in methods.items()
    if path.startswith("/api/v1/") and operation["operationId"] != "submitJob"
]
each_operation = pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{method} {path}" for method, path, _ in OPERATIONS]
)
LISTS = [
    (path, operation)
    for method, path, operation in OPERATIONS
    if method == "GET" and any(param["in"] == "query" for param in operation.get("parameters", ()))
]
PARTS = {"job_id": NO_JOB, "image_no": "1", "store_id": CORNER_SHOP}


def query_of(operation: dict[str, Any]) -> list[str]:
    return [param["name"] for param in operation.get("parameters", ()) if param["in"] == "query"]


@each_operation
def test_every_path_refuses_what_it_does_not_know(
    service: RunningService, method: str, path: str, operation: dict[str, Any]
) -> None:
    known = query_of(operation)
    misspelt = f"{known[-1]}{known[-1][-1]}" if known else "limitt"
    asked = path.format_map(PARTS)
    answer = service.http.request(method, asked, params={misspelt: "1"}, content=b"x" * 100_000)
    refused = problem(answer, 400, "invalid-request")
    reason = f"unknown parameter; did you mean {known[-1]}?" if known else "unknown parameter; there is none"
    assert refused["detail"] == f"{misspelt}: {reason}"
    assert refused["parameters"] == [{"name": misspelt, "reason": reason}]
    assert "400" in operation["responses"]


@pytest.mark.parametrize(("path", "operation"), LISTS, ids=[path for path, _ in LISTS])
def test_no_path_takes_a_parameter_of_its_own_for_an_unknown_one(
    service: RunningService, path: str, operation: dict[str, Any]
) -> None:
    answer = service.http.get(path.format_map(PARTS), params=dict.fromkeys(query_of(operation), ""))
    assert "unknown" not in answer.text


def test_several_are_named_at_once_and_a_strange_one_with_all_that_there_are(service: RunningService) -> None:
    answer = service.http.get("/api/v1/areas", params={"zzz": 1, "Limit": 2, "limit": 1})
    refused = problem(answer, 400, "invalid-request")
    assert refused["detail"] == (
        "zzz: unknown parameter; there are cursor, limit; Limit: unknown parameter; did you mean limit?"
    )


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=x", "limit: Expected a whole number, got a text"),
        ("limit=0", "limit: Expected a whole number >= 1"),
        ("status=fail", "status: Invalid enum value 'fail': write ongoing, completed, failed, cancelled"),
    ],
)
def test_a_wrong_value_is_refused_in_words_of_the_client(
    service: RunningService, query: str, detail: str
) -> None:
    assert problem(service.http.get(f"/api/v1/jobs?{query}"), 400, "invalid-request")["detail"] == detail


def test_a_very_long_name_costs_and_says_little(service: RunningService) -> None:
    query = "&".join(f"{number}{'a' * 2_000}" for number in range(30))
    refused = problem(service.http.get(f"/api/v1/jobs?{query}"), 400, "invalid-request")
    assert len(refused["parameters"]) == 10
    assert len(refused["detail"]) < 4_000


def test_a_misspelt_field_of_a_retry_is_refused(service: RunningService) -> None:
    job_id = post(service, body(visit("nowhere", NOWHERE))).json()["job_id"]
    answer = service.http.post(f"/api/v1/jobs/{job_id}/retry", json={"cause": ["timeout"]})
    assert problem(answer, 400, "invalid-request")["detail"] == "cause: unknown field; did you mean causes?"
    assert service.job(job_id)["retries"] == 0


@pytest.mark.parametrize("path", ["/api/status?jobid={job_id}&x=1", "/api/visits?area=7100015&limitt=1"])
def test_the_old_endpoints_pass_over_what_they_do_not_know(service: RunningService, path: str) -> None:
    job_id = service.submit([visit(CORNER_SHOP)])
    assert service.http.get(path.format(job_id=job_id)).status_code == 200
