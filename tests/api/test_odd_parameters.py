"""Whatever stands in a query, a list answers with a page or says which parameter is wrong."""

import itertools

import pytest

from tests.api.jobs import CORNER_SHOP, visit
from tests.running import RunningService

PATHS = {
    "/api/v1/jobs": ["status", "label", "store_id", "submitted_after", "submitted_before"],
    "/api/v1/jobs/{job_id}/results": ["outcome", "cause", "store_id", "format", "include", "suspect"],
    "/api/v1/jobs/{job_id}/stores": ["store_id"],
    "/api/v1/stores": ["q", "area", "store_id"],
    f"/api/v1/stores/{CORNER_SHOP}": ["visited_after", "visited_before"],
    "/api/v1/areas": [],
    "/api/v1/photos": ["flag", "area", "store_id", "job_id", "since", "until"],
    "/api/v1/visits": ["area", "store_id", "visited_after", "visited_before"],
}
EVERYWHERE = ["cursor", "limit"]
CASES = [(path, name) for path, names in PATHS.items() for name in [*names, *EVERYWHERE]]
ODD = [
    "", "%00", "a%00b", "%FF", "%ED%A0%80", "%F4%8F%BF%BF", "%C0%80", "%", "%2", "%zz", "+", "%20", "a:%00",
    "'%20OR%201=1--", "%25s", "%25(job_id)s", "{}", "{0}", "%7B%7D", "\\", "null", "NaN", "-0", "1e3", "0x10",
    "9" * 400, "-" + "9" * 30, "%E2%80%AE", "%F0%9F%8D%8E", "a" * 4000, "2026-11-20%2B05:30",
    "0000-00-00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00", "infinity", "now", "[]", "a&b=",
]  # fmt: skip


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """A job to ask about."""
    return service.submit([visit(CORNER_SHOP)])


@pytest.mark.parametrize(("path", "name"), CASES)
def test_an_odd_value_is_read_or_refused_by_its_name(
    service: RunningService, job_id: str, path: str, name: str
) -> None:
    for odd, form in itertools.product(ODD, ("{name}={odd}", "{name}={odd}&{name}=x", "{odd}={odd}&{name}")):
        query = form.format(name=name, odd=odd)
        answer = service.http.get(f"{path.format(job_id=job_id)}?{query}")
        refused = {} if answer.status_code == 200 else answer.json()
        unknown = [part["name"] for part in refused.get("parameters", ()) if "unknown" in part["reason"]]
        assert name not in unknown, (query, answer.text)
        refusal = 404 if name == "cursor" and not unknown else 400
        assert answer.status_code in {200, refusal}, (query, answer.text)
        if refused:
            assert refused["detail"].startswith(f"{(unknown or [name])[0]}: "), (query, answer.text)
        elif "json" in answer.headers["content-type"]:
            assert {"items", "next"} <= (answer.json().get("visits") or answer.json()).keys()
