"""GET /api/v1/jobs/{id}/results: pages of JSON, or all as CSV or NDJSON, in the order of the submit."""

import csv
import hashlib
import io
import json
from typing import Any

import pytest

from tests.api.flat_rows import NUMBERS, flat
from tests.api.jobs import (
    CORNER_SHOP,
    MARKET_HALL,
    NO_JOB,
    NOWHERE,
    held,
    photo,
    problem,
    visit,
    wrong_parameter,
)
from tests.api.paging import pages_of
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

CAPTURE = [
    "taken_at",
    "clock",
    "latitude",
    "longitude",
    "camera_make",
    "camera_model",
    "software",
]
FIELDS = [
    "image_no",
    "store_id",
    "visit_time",
    "image_url",
    "outcome",
    "cause",
    "detail",
    "format",
    "width",
    "height",
    "displayed_width",
    "displayed_height",
    "perimeter",
    "size_bytes",
    "sha256",
    "suspect",
    "flags",
    "checks",
    *CAPTURE,
    "tries",
    "settled_at",
    "visit_no",
    "store_name",
    "area",
    "extra",
    "review",
    "reviewed_by",
    "reviewed_at",
    "review_reason",
]
SEEN = NUMBERS[1:-3]
"""What is told of a photo that is too small for the other numbers, and has no EXIF data."""
IMAGES = 2_300
SPECIAL = 'a,b;"c" d\ne\r\nf\tü \u2028 \x85 \\. \\N '


def page(service: RunningService, job_id: str, **query: Any) -> dict[str, Any]:
    """One page of results."""
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["items", "next"]
    return dict(answer.json())


def all_pages(service: RunningService, job_id: str, **query: Any) -> list[list[dict[str, Any]]]:
    """The rows of all pages, from the first on."""
    return [answer["items"] for answer in pages_of(service, f"/api/v1/jobs/{job_id}/results", **query)]


def export(service: RunningService, job_id: str, **query: Any) -> tuple[str, str]:
    """The media type and the text of a whole export."""
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params=query)
    assert answer.status_code == 200, answer.text
    return answer.headers["content-type"], answer.content.decode()


def _in_csv(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in flat(row).items()}


def csv_rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def big(service: RunningService) -> str:
    """A settled job of 2,300 images in visits of every size; gives its id."""
    visits: list[dict[str, Any]] = []
    number = 0
    while number < IMAGES:
        count = min(1 + len(visits) * 7 % 90, IMAGES - number)
        store = [CORNER_SHOP, "nobody", MARKET_HALL][len(visits) % 3]
        visits.append(visit(store, *[f"no URL {number + place}" for place in range(count)]))
        number += count
    job_id = service.submit(visits)
    service.finished(job_id)
    return job_id


@pytest.fixture(scope="module")
def special(service: RunningService) -> str:
    """A settled job whose texts hold what CSV and JSON must quote; gives its id."""
    job_id = service.submit([visit(SPECIAL, f"u{SPECIAL}", at=f"t{SPECIAL}"), visit(CORNER_SHOP, '"')])
    service.finished(job_id)
    return job_id


def test_a_measured_image_is_told_with_all_its_facts(service: RunningService, origin: Origin) -> None:
    photo_bytes = photo(30, 20)
    url = origin.serve("/facts.png", Reply(body=photo_bytes))
    told = {}
    for depth in ("header", "download", "decode"):
        job_id = service.submit([visit(CORNER_SHOP, url, at="noon")], depth=depth)
        service.finished(job_id)
        (told[depth],) = page(service, job_id)["items"]
        assert list(told[depth]) == FIELDS
        assert told[depth].pop("settled_at").endswith("Z")
        checks = told[depth].pop("checks")
        assert set(checks) == (set(SEEN) if depth == "decode" else set())
        assert not any(told[depth].pop(name) for name in CAPTURE)
    always = {
        "image_no": 1,
        "store_id": CORNER_SHOP,
        "visit_time": "noon",
        "image_url": url,
        "outcome": "measured",
        "cause": None,
        "detail": None,
        "format": "png",
        "width": 30,
        "height": 20,
        "displayed_width": 30,
        "displayed_height": 20,
        "perimeter": 100,
        "suspect": None,
        "flags": [],
        "tries": 1,
        "visit_no": 1,
        "store_name": "Corner Shop, Harbour Street",
        "area": "7100015",
        "extra": None,
        "review": None,
        "reviewed_by": None,
        "reviewed_at": None,
        "review_reason": None,
    }
    whole = {"size_bytes": len(photo_bytes), "sha256": hashlib.sha256(photo_bytes).hexdigest()}
    assert told == {
        "header": always | {"size_bytes": None, "sha256": None},
        "download": always | whole,
        "decode": always | whole,
    }


def test_a_failed_image_is_told_with_its_cause(service: RunningService, origin: Origin) -> None:
    job_id = service.submit([visit(CORNER_SHOP, origin.url("/gone.jpg"), NOWHERE)])
    service.finished(job_id)
    gone, bad = page(service, job_id)["items"]
    assert (gone["outcome"], gone["cause"], gone["detail"], gone["tries"]) == (
        "failed",
        "http_status",
        "HTTP 404",
        1,
    )
    assert (bad["outcome"], bad["cause"], bad["tries"]) == ("failed", "bad_url", 0)
    assert gone["perimeter"] is gone["width"] is gone["format"] is None


def test_an_image_that_is_not_settled_has_no_outcome_yet(service: RunningService, origin: Origin) -> None:
    with held(origin, "/unsettled.png", photo(8, 8)) as slow:
        job_id = service.submit([visit(CORNER_SHOP, NOWHERE, slow)])
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 1)
        settled, waiting = page(service, job_id)["items"]
        rows = csv_rows(export(service, job_id, format="csv")[1])
    assert settled["outcome"] == "failed"
    assert waiting == dict.fromkeys(FIELDS) | {
        "image_no": 2,
        "store_id": CORNER_SHOP,
        "visit_time": "2026-11-20T10:00:00Z",
        "image_url": slow,
        "flags": [],
        "checks": {},
        "tries": 0,
        "visit_no": 1,
        "store_name": "Corner Shop, Harbour Street",
        "area": "7100015",
    }
    assert [row["outcome"] for row in rows] == ["failed", ""]
    service.finished(job_id)
    assert page(service, job_id)["items"][1]["outcome"] == "measured"


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [(None, [1_000, 1_000, 300]), (1_000, [1_000, 1_000, 300]), (767, [767, 767, 766]), (575, [575] * 4)],
)
def test_pages_follow_one_another_without_gap_or_overlap(
    service: RunningService, big: str, limit: int | None, sizes: list[int]
) -> None:
    pages = all_pages(service, big, **({"limit": limit} if limit else {}))
    found = [row for rows in pages for row in rows]
    assert [len(rows) for rows in pages] == sizes
    assert [row["image_no"] for row in found] == list(range(1, IMAGES + 1))
    assert [row["image_url"] for row in found] == [f"no URL {number}" for number in range(IMAGES)]


def test_csv_and_ndjson_hold_the_rows_of_the_pages(service: RunningService, big: str) -> None:
    kind, lines = export(service, big, format="ndjson")
    assert kind == "application/x-ndjson"
    rows = [json.loads(line) for line in lines.splitlines()]
    assert rows == [row for rows in all_pages(service, big) for row in rows]
    kind, text = export(service, big, format="csv")
    assert kind == "text/csv; charset=utf-8"
    assert text.partition("\n")[0] == ",".join(FIELDS).replace("checks", ",".join(NUMBERS))
    assert csv_rows(text) == [_in_csv(row) for row in rows]


def test_texts_with_quotes_commas_and_line_breaks_survive_every_format(
    service: RunningService, special: str
) -> None:
    expected = [(SPECIAL.strip(), f"u{SPECIAL}", f"t{SPECIAL}"), (CORNER_SHOP, '"', "2026-11-20T10:00:00Z")]

    def texts(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        return [(row["store_id"], row["image_url"], row["visit_time"]) for row in rows]

    assert texts(page(service, special)["items"]) == expected
    assert texts(list(csv_rows(export(service, special, format="csv")[1]))) == expected
    lines = export(service, special, format="ndjson")[1]
    assert texts([json.loads(line) for line in lines.split("\n") if line]) == expected
    assert texts([json.loads(line) for line in lines.splitlines()]) == expected


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("Text/CSV; charset=utf-8", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/html, application/x-ndjson;q=0.9", "application/x-ndjson"),
        ("application/json", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_accept_header_chooses_the_format(
    service: RunningService, special: str, accept: str, kind: str
) -> None:
    path = f"/api/v1/jobs/{special}/results"
    assert service.http.get(path, headers={"Accept": accept}).headers["content-type"] == kind


def test_the_format_parameter_goes_before_the_accept_header(service: RunningService, special: str) -> None:
    answer = service.http.get(
        f"/api/v1/jobs/{special}/results", params={"format": "json"}, headers={"Accept": "text/csv"}
    )
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"format": "xml"}, "format"),
        ({"format": "CSV"}, "format"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
    ],
)
def test_a_wrong_parameter_is_refused_and_named(
    service: RunningService, special: str, query: dict[str, str], named: str
) -> None:
    answer = service.http.get(f"/api/v1/jobs/{special}/results", params=query)
    wrong_parameter(answer, named)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("cause=no", "cause: Invalid enum value 'no': write store_id_not_found, "),
        ("outcome=no", "outcome: Invalid enum value 'no': write measured, failed, cancelled, unsettled"),
    ],
)
def test_a_word_that_is_none_is_refused_with_those_that_are(
    service: RunningService, special: str, query: str, says: str
) -> None:
    answer = service.http.get(f"/api/v1/jobs/{special}/results?{query}")
    assert problem(answer, 400, "invalid-request")["detail"].startswith(says)


def test_an_unknown_job_is_told_before_an_export_begins(service: RunningService) -> None:
    for name in ("json", "csv", "ndjson"):
        answer = service.http.get(f"/api/v1/jobs/{NO_JOB}/results", params={"format": name})
        assert problem(answer, 404, "not-found")["detail"] == f"there is no job {NO_JOB}"


def test_pages_of_very_long_texts_are_cut_short_but_lose_nothing(service: RunningService) -> None:
    long = "x" * 1_500_000
    job_id = service.submit([visit("nobody", *[f"{long}{number}" for number in range(5)])])
    pages = all_pages(service, job_id)
    assert len(pages) > 1
    found = [row["image_url"] for rows in pages for row in rows]
    assert found == [f"{long}{number}" for number in range(5)]
    assert [row["image_url"] for row in service.results(job_id)] == found
