"""Problem details: table, documents and served pages agree, and the old shape stays."""

from pathlib import Path

import pytest

from retailpulse.web.problem_kinds import KINDS, ProblemKind, kind_of
from tests.api.jobs import problem
from tests.running import RunningService

PAGES = Path(__file__).parents[2] / "docs" / "problems"
API_DOCUMENT = (PAGES.parent / "api.md").read_text()


def test_every_problem_has_a_page_and_every_page_a_problem() -> None:
    assert {path.stem for path in PAGES.iterdir()} == {kind.name for kind in KINDS}
    assert len({kind.status for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_page_the_served_page_and_the_document_say_the_same(
    service: RunningService, kind: ProblemKind
) -> None:
    answer = service.http.get(f"/problems/{kind.name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == kind.page == (PAGES / f"{kind.name}.md").read_text()
    assert f"| [`{kind.name}`](problems/{kind.name}.md) | {kind.status} | {kind.title} |" in API_DOCUMENT


def test_a_problem_that_does_not_exist_has_no_page(service: RunningService) -> None:
    assert "nonsense" in problem(service.http.get("/problems/nonsense"), 404, "not-found")["detail"]


def test_a_status_without_a_problem_of_its_own_is_the_nearest_one() -> None:
    assert [kind_of(status).name for status in (418, 431, 502)] == [
        "invalid-request",
        "invalid-request",
        "internal-error",
    ]


@pytest.mark.parametrize("path", ["/api/submit", "/api/status", "/api/visits", "/api/visits/"])
def test_the_old_endpoints_keep_their_shape(service: RunningService, path: str) -> None:
    answer = service.http.delete(path)
    assert (answer.status_code, list(answer.json())) == (405, ["error"])
    assert answer.headers["content-type"] == "application/json"
