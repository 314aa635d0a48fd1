"""Methods: each path answers those it knows, and says which these are to who asks for another."""

from typing import Any

import httpx
import pytest

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from tests.api.jobs import NO_JOB, NOWHERE, visit
from tests.running import RunningService

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
PATHS: dict[str, dict[str, Any]] = describe(HANDLERS, PROVIDED)["paths"]
GET_PATHS = sorted(path for path, methods in PATHS.items() if "get" in methods)
PARTS = {"job_id": NO_JOB, "image_no": "1", "store_id": "RP00001", "name": "not-found"}


def known(path: str) -> set[str]:
    """The methods of a path."""
    methods = {method.upper() for method in PATHS[path]} | {"OPTIONS"}
    return methods | ({"HEAD"} if "GET" in methods else set())


def allowed(answer: httpx.Response) -> set[str]:
    """The methods that an answer names."""
    return set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", sorted(PATHS))
def test_a_path_refuses_methods_it_does_not_know_and_names_those_it_knows(
    service: RunningService, path: str
) -> None:
    for method in METHODS - known(path):
        answer = service.http.request(method, path.format_map(PARTS))
        assert (method, answer.status_code, allowed(answer)) == (method, 405, known(path))


@pytest.mark.parametrize("path", sorted(PATHS))
def test_options_names_the_methods_of_a_path(service: RunningService, path: str) -> None:
    answer = service.http.options(path.format_map(PARTS))
    assert (answer.status_code, answer.content, allowed(answer)) == (204, b"", known(path))


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_answers_what_get_would_without_a_body(service: RunningService, path: str) -> None:
    there = path.format_map(PARTS)
    read = service.http.get(there)
    head = service.http.head(there)
    assert (head.status_code, head.content) == (read.status_code, b"")
    assert head.headers.get("content-type") == read.headers.get("content-type")


def test_head_of_a_long_stream_ends_with_its_headers(service: RunningService) -> None:
    job_id = service.submit([visit("RP00001", *[f"{NOWHERE} {number}" for number in range(20_000)])])
    service.finished(job_id)
    head = service.http.head(f"/api/v1/jobs/{job_id}/results", params={"format": "csv"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/csv")
    assert service.http.get("/health/ready").status_code == 200, "the same connection goes on"


def test_a_method_that_a_path_does_not_take_is_named(service: RunningService) -> None:
    answer = service.http.patch("/api/v1/jobs")
    assert answer.status_code == 405
    assert answer.json()["detail"].startswith("/api/v1/jobs is not asked with PATCH; ")


@pytest.mark.parametrize(
    "path", ["/none", "/api", "/api/v1", "/api/v1/job", "/api/v2/jobs", "/api/v1/jobs/a/b/c"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_is_nowhere_is_not_found_by_any_method(service: RunningService, path: str, method: str) -> None:
    answer = service.http.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-found"
