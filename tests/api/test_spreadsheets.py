"""`safe=spreadsheet`: a CSV in which no text can act as a formula, whatever separator is read."""

import csv
import io

import pytest

from tests.api.jobs import visit, wrong_parameter
from tests.running import RunningService

FORMULAS = (
    "=1+1",
    "+1",
    "-5",
    "@SUM(1)",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tplain",
    "\x01plain",
    "\x9bplain",
    ' "=1',
    "a;=1",
    "a\n=1",
    "a\r\n=1",
    'a;"=1',
)
PLAIN = ("RP-1", "a=1", "https://photos.example/a-b+c@d;v=1.jpg", "a\nb", "'=1", "Ünïcode 🏪", "5", 'a"b,c')
BEGIN = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """A settled job with a visit for each text, which stands in its time and its URL, and in its store id."""
    job_id = service.submit([visit(text, text, at=text) for text in (*FORMULAS, *PLAIN)])
    service.finished(job_id)
    return job_id


def exported(service: RunningService, job_id: str, **query: str) -> str:
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.content.decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_begins_like_a_formula(service: RunningService, job_id: str, separator: str) -> None:
    text = exported(service, job_id, format="csv", safe="spreadsheet")
    cells = [
        cell
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for cell in row
        if cell.lstrip(' \t\r\n"').startswith(BEGIN) or (cell and not cell[0].isprintable())
    ]
    assert cells == []


def test_only_what_would_act_is_changed_and_by_an_apostrophe_alone(
    service: RunningService, job_id: str
) -> None:
    safe = rows(exported(service, job_id, format="csv", safe="spreadsheet"))
    as_is = rows(exported(service, job_id, format="csv"))
    assert [row["visit_time"] for row in as_is] == [*FORMULAS, *PLAIN]
    assert [row["store_id"] for row in as_is] == [text.strip() for text in (*FORMULAS, *PLAIN)]
    for column in ("visit_time", "image_url"):
        for text, row in zip((*FORMULAS, *PLAIN), safe, strict=True):
            changed = row[column] != text
            assert changed == (text in FORMULAS), text
            assert not changed or row[column].replace("'", "") == text
    numbers = ("image_no", "outcome", "cause", "width", "perimeter", "tries", "settled_at")
    assert [[row[name] for name in numbers] for row in safe] == [
        [row[name] for name in numbers] for row in as_is
    ]


def test_the_accept_header_asks_for_csv_too(service: RunningService, job_id: str) -> None:
    path = f"/api/v1/jobs/{job_id}/results"
    answer = service.http.get(path, params={"safe": "spreadsheet"}, headers={"Accept": "text/csv"})
    assert "\n1,'=1+1," in answer.text


@pytest.mark.parametrize("query", [{"safe": "x"}, {"safe": "null", "format": "csv"}])
def test_what_is_safe_for_nothing_is_refused(
    service: RunningService, job_id: str, query: dict[str, str]
) -> None:
    wrong_parameter(service.http.get(f"/api/v1/jobs/{job_id}/results", params=query), "safe")


def test_what_is_no_csv_stays_as_it_is(service: RunningService, job_id: str) -> None:
    path = f"/api/v1/jobs/{job_id}/results"
    as_is, safe = (
        service.http.get(path, params={"format": "ndjson", **more}) for more in ({}, {"safe": "spreadsheet"})
    )
    assert safe.text == as_is.text != ""
