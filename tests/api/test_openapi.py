"""The API's description: true to the routes, and served."""

from typing import Any

import pytest

from retailpulse.api.app import HANDLERS, PROVIDED
from retailpulse.api.openapi.document import describe
from tests.running import RunningService


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(HANDLERS, PROVIDED, needs_key=False)


def test_it_is_openapi_3_1(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")


def test_it_is_served_as_it_is_made_and_once_to_who_keeps_it(
    service: RunningService, description: dict[str, Any]
) -> None:
    answer = service.http.get("/openapi.json")
    assert answer.json() == description
    again = service.http.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_its_names_of_operations_are_unique(description: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for methods in description["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names))
