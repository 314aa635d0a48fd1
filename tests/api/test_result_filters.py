"""The results of a job that are wanted: by outcome, cause and store, in every format, and what was before."""

import csv
import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.jobs import CORNER_SHOP, MARKET_HALL, NO_JOB, NOWHERE, held, photo, problem, visit
from tests.api.paging import items_of, pages_of
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

UNKNOWN = "a store, that\nnobody knows"
OUTCOMES = [[], ["measured"], ["failed"], ["unsettled"], ["cancelled"], ["failed", "measured", "unsettled"]]
CAUSES = [[], ["http_status"], ["bad_url", "http_status"], ["store_id_not_found"], ["dns"]]
STORES = [[], [CORNER_SHOP], [UNKNOWN, MARKET_HALL], ["other"]]
FILTERS = [
    {"outcome": outcomes, "cause": causes, "store_id": stores}
    for outcomes, causes, stores in itertools.product(OUTCOMES, CAUSES, STORES)
]


@pytest.fixture(scope="module")
def mixed(service: RunningService, origin: Origin) -> Iterator[str]:
    """An ongoing job of images that ended in every way, or have not ended; gives its id."""
    fine = origin.serve("/mixed.png", Reply(body=photo(30, 20)))
    with held(origin, "/mixed-slow.png", photo(8, 8)) as slow:
        visits = [
            visit(CORNER_SHOP, fine, NOWHERE, slow, origin.url("/mixed-gone.png")),
            visit(UNKNOWN, fine, NOWHERE),
            visit(MARKET_HALL, slow, fine),
            visit(CORNER_SHOP, NOWHERE, slow, fine),
            visit(MARKET_HALL, origin.url("/mixed-gone.png"), fine),
        ]
        job_id = service.submit(visits)
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 10)
        yield job_id


def path_of(job_id: str) -> str:
    """Where the results of a job are."""
    return f"/api/v1/jobs/{job_id}/results"


def fits(row: dict[str, Any], wanted: dict[str, list[str]]) -> bool:
    """Whether a row is what is asked for."""
    return (
        (not wanted["outcome"] or (row["outcome"] or "unsettled") in wanted["outcome"])
        and (not wanted["cause"] or row["cause"] in wanted["cause"])
        and (not wanted["store_id"] or row["store_id"] in wanted["store_id"])
    )


def test_every_filter_alone_and_with_others_leaves_what_fits(service: RunningService, mixed: str) -> None:
    everything = items_of(service, path_of(mixed))
    assert {row["outcome"] for row in everything} == {"measured", "failed", None}
    assert len(everything) == 13
    kept = 0
    for wanted in FILTERS:
        expected = [row for row in everything if fits(row, wanted)]
        assert items_of(service, path_of(mixed), **wanted) == expected, wanted
        assert items_of(service, path_of(mixed), **wanted, limit=2) == expected, wanted
        lines = service.http.get(path_of(mixed), params={**wanted, "format": "ndjson"}).text
        assert [json.loads(line) for line in lines.splitlines()] == expected, wanted
        kept += len(expected)
    assert kept > 100


def test_csv_has_its_header_also_over_no_row(service: RunningService, mixed: str) -> None:
    for outcome in ("failed", "cancelled"):
        answer = service.http.get(path_of(mixed), params={"outcome": outcome, "format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert [int(row["image_no"]) for row in rows] == [
            row["image_no"] for row in items_of(service, path_of(mixed), outcome=outcome)
        ]
        assert answer.text.startswith("image_no,store_id,")


def test_the_last_page_of_what_fits_has_no_next(service: RunningService, mixed: str) -> None:
    failed = len(items_of(service, path_of(mixed), outcome="failed"))
    pages = list(pages_of(service, path_of(mixed), outcome="failed", limit=failed))
    assert [len(page["items"]) for page in pages] == [failed]
    pages = list(pages_of(service, path_of(mixed), outcome="failed", limit=failed - 1))
    assert [len(page["items"]) for page in pages] == [failed - 1, 1]


def test_nothing_is_unsettled_in_a_job_that_has_ended(service: RunningService) -> None:
    job_id = service.submit([visit(CORNER_SHOP, NOWHERE)])
    service.finished(job_id)
    assert items_of(service, path_of(job_id), outcome="unsettled") == []
    for file_format in ("csv", "ndjson"):
        answer = service.http.get(path_of(job_id), params={"outcome": "unsettled", "format": file_format})
        assert (answer.status_code, answer.text.count("\n")) == (200, 1 if file_format == "csv" else 0)


def test_cancelled_images_are_found(service: RunningService, origin: Origin) -> None:
    with held(origin, "/cancelled-found.png", photo(8, 8)) as slow:
        job_id = service.submit([visit(CORNER_SHOP, NOWHERE, slow)])
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 1)
        service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    for query in ({"outcome": "cancelled"}, {"cause": "cancelled"}):
        assert [row["image_no"] for row in items_of(service, path_of(job_id), **query)] == [2]
    assert [row["image_no"] for row in items_of(service, path_of(job_id), outcome="failed")] == [1]


def test_what_a_retry_took_back_is_told_where_it_is_asked_for(
    service: RunningService, origin: Origin
) -> None:
    url = origin.url("/earlier.png")
    job_id = service.submit([visit(CORNER_SHOP, url, NOWHERE)])
    service.finished(job_id)
    first = items_of(service, path_of(job_id))
    origin.serve("/earlier.png", Reply(body=photo(30, 20)))
    for _ in range(2):
        assert service.http.post(f"/api/v1/jobs/{job_id}/retry").status_code == 200
        service.finished(job_id)
    gone, bad = items_of(service, path_of(job_id), include="earlier")
    assert (gone["outcome"], bad["outcome"]) == ("measured", "failed")
    (before,) = gone["earlier"]
    assert before == {name: first[0][name] for name in ("outcome", "cause", "detail", "tries", "settled_at")}
    assert [row["cause"] for row in bad["earlier"]] == ["bad_url", "bad_url"]
    assert bad["earlier"][0]["settled_at"] == first[1]["settled_at"] < bad["earlier"][1]["settled_at"]
    assert "earlier" not in items_of(service, path_of(job_id))[0]
    for file_format in ("csv", "ndjson"):
        text = service.http.get(path_of(job_id), params={"include": "earlier", "format": file_format}).text
        if file_format == "csv":
            told = [json.loads(row["earlier"]) for row in csv.DictReader(io.StringIO(text, newline=""))]
        else:
            told = [json.loads(line)["earlier"] for line in text.splitlines()]
        assert told == [gone["earlier"], bad["earlier"]]


def test_rows_that_are_settled_between_pages_are_told_once(service: RunningService, origin: Origin) -> None:
    with held(origin, "/settled-between.png", photo(8, 8)) as slow:
        job_id = service.submit([visit(CORNER_SHOP, NOWHERE, slow, f"{NOWHERE} 2", f"{NOWHERE} 3")])
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 3)
        pages = pages_of(service, path_of(job_id), limit=1)
        told = [row["image_no"] for row in next(pages)["items"]]
        service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    told += [row["image_no"] for page in pages for row in page["items"]]
    assert told == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"outcome": "done"}, "outcome"),
        ({"outcome": ["measured", ""]}, "outcome"),
        ({"cause": "bad luck"}, "cause"),
        ({"store_id": "RP\0"}, "store_id"),
        ({"include": "later"}, "include"),
        ({"include": ["earlier", "x"]}, "include"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_and_named(
    service: RunningService, mixed: str, query: dict[str, Any], named: str
) -> None:
    for file_format in ("json", "csv", "parquet", "xlsx"):
        answer = service.http.get(path_of(mixed), params={**query, "format": file_format})
        assert problem(answer, 400, "invalid-request")["detail"].startswith(f"{named}: ")


@pytest.mark.parametrize("file_format", ["json", "csv", "ndjson", "parquet", "xlsx"])
def test_an_unknown_job_is_told_before_anything_is_sent(service: RunningService, file_format: str) -> None:
    for job_id in (NO_JOB, "x", "%00", "ü"):
        answer = service.http.get(path_of(job_id), params={"format": file_format, "outcome": "failed"})
        problem(answer, 404, "not-found")
