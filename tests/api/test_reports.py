"""GET /api/v1/reports/...: sums over visits by day and area, by store, by area; as pages and as files."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest

from retailpulse.domain.flags import Flag
from tests.api.export.workbooks import opened, table
from tests.api.jobs import NOWHERE, new_area, photo, problem, put_stores, store_file, visit, wrong_parameter
from tests.api.paging import items_of
from tests.origin import Origin, Reply
from tests.running import RunningService

REPORTS = "/api/v1/reports"
NONE_AT_ALL: dict[str, Any] = {
    "visits": 0,
    "images": 0,
    "measured": 0,
    "failed": 0,
    "cancelled": 0,
    "unsettled": 0,
    "suspect": 0,
    "failure_rate": None,
    "suspect_rate": None,
    "perimeter": 0,
    "causes": {},
    "flagged": 0,
    "flagged_rate": None,
    **dict.fromkeys(Flag, 0),
    **{f"{flag}_rate": None for flag in Flag},
    "accepted": 0,
    "rejected": 0,
}


class Seen:
    """Two visits of three stores of an area: 3 images measured, one of them suspect, and 2 failed."""

    def __init__(self, service: RunningService, origin: Origin) -> None:
        self.area, self.stores = new_area(service, stores=3, name="=Shop")
        good = origin.serve("/report.png", Reply(body=photo(30, 20)))
        body = bytearray(photo(300, 200))
        body[-13] ^= 0xFF  # the checksum of its last IDAT
        odd = origin.serve("/report-odd.png", Reply(body=bytes(body)))
        self.name = f"round of {self.area}"
        answer = service.http.post(
            "/api/v1/jobs",
            json={
                "name": self.name,
                "depth": "decode",
                "visits": [
                    visit(self.stores[0], good, NOWHERE, at="2026-11-20T23:30:00Z"),
                    visit(self.stores[1], good, odd, NOWHERE, at="2026-11-22T10:00:00Z"),
                ],
            },
        )
        assert answer.status_code == 201, answer.text
        self.job_id: str = answer.json()["job_id"]
        service.finished(self.job_id)


@pytest.fixture(scope="module")
def seen(service: RunningService, origin: Origin) -> Seen:
    return Seen(service, origin)


def report(service: RunningService, kind: str, **query: Any) -> list[dict[str, Any]]:
    return items_of(service, f"{REPORTS}/{kind}", **query)


def sums(visits: int, measured: int, failed: int, perimeter: int, suspect: int = 0) -> dict[str, Any]:
    """The suspect image is flagged too, as the large one: it is a field of colours without edges."""
    flags = dict.fromkeys(("flagged", "blurred"), suspect)
    rates = {f"{name}_rate": 0.0 for name in ("flagged", *Flag)}
    rates |= {f"{name}_rate": round(suspect / measured, 6) for name in flags}
    return (
        NONE_AT_ALL
        | flags
        | rates
        | {
            "visits": visits,
            "images": measured + failed,
            "measured": measured,
            "failed": failed,
            "failure_rate": round(failed / (measured + failed), 6),
            "suspect": suspect,
            "suspect_rate": round(suspect / measured, 6),
            "perimeter": perimeter,
            "causes": {"bad_url": failed},
            "accepted": 0,
            "rejected": 0,
        }
    )


def test_visits_are_summed_up_by_day_and_area(service: RunningService, seen: Seen) -> None:
    assert report(service, "visits", area=seen.area) == [
        {"day": "2026-11-20", "area_code": seen.area, **sums(1, 1, 1, 100)},
        {"day": "2026-11-22", "area_code": seen.area, **sums(1, 2, 1, 1100, suspect=1)},
    ]


def test_a_day_is_one_of_the_time_zone(service: RunningService, seen: Seen) -> None:
    days = report(service, "visits", area=seen.area, tz="Asia/Kolkata")
    assert [row["day"] for row in days] == ["2026-11-21", "2026-11-22"]
    assert report(service, "visits", area=seen.area, tz="Asia/Kolkata", to_day="2026-11-20") == []
    assert len(report(service, "visits", area=seen.area, tz="UTC", to_day="2026-11-20")) == 1


def test_stores_that_were_visited_are_summed_up_with_their_last_visit(
    service: RunningService, seen: Seen
) -> None:
    first, second, _ = seen.stores
    assert report(service, "stores", area=seen.area) == [
        {
            "store_id": first,
            "area_code": seen.area,
            "store_name": "=Shop",
            "last_visit_at": "2026-11-20T23:30:00Z",
            **sums(1, 1, 1, 100),
        },
        {
            "store_id": second,
            "area_code": seen.area,
            "store_name": "=Shop",
            "last_visit_at": "2026-11-22T10:00:00Z",
            **sums(1, 2, 1, 1100, suspect=1),
        },
    ]


def test_areas_say_how_many_of_their_stores_were_visited(service: RunningService, seen: Seen) -> None:
    expected = {"area_code": seen.area, "stores": 3, "stores_visited": 2, "visited_rate": round(2 / 3, 6)}
    assert report(service, "areas", area=seen.area) == [expected | sums(2, 3, 2, 1200, suspect=1)]
    none = {"area_code": seen.area, "stores": 3, "stores_visited": 0, "visited_rate": 0.0}
    assert report(service, "areas", area=seen.area, from_day="2030-01-01") == [none | NONE_AT_ALL]


@pytest.mark.parametrize("kind", ["visits", "stores", "areas"])
def test_days_stores_and_jobs_narrow_a_report(service: RunningService, seen: Seen, kind: str) -> None:
    def visits(**query: Any) -> int:
        return sum(row["visits"] for row in report(service, kind, area=seen.area, **query))

    assert visits() == visits(job=seen.job_id) == visits(job=seen.name) == 2
    assert visits(from_day="2026-11-21") == visits(to_day="2026-11-21") == 1
    assert visits(store_id=seen.stores[1]) == 1
    assert visits(store_id=seen.stores[2]) == 0
    assert visits(suspect="true") == visits(suspect="true", job=seen.name) == 1
    assert visits(suspect="true", store_id=seen.stores[0]) == 0
    assert sum(row["visits"] for row in report(service, kind, job=seen.job_id)) == 2


@pytest.mark.parametrize("kind", ["visits", "stores", "areas"])
def test_pages_together_are_the_whole_report(service: RunningService, seen: Seen, kind: str) -> None:
    assert seen.area
    whole = report(service, kind, limit=1000)
    assert len(whole) > 1
    assert report(service, kind, limit=1) == whole
    assert report(service, kind, limit=2) == whole


def test_cancelled_images_are_counted_apart(service: RunningService, origin: Origin) -> None:
    area, (store,) = new_area(service)
    job_id = service.submit([visit(store, *[origin.url(f"/never/{number}") for number in range(3)])])
    service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    (row,) = report(service, "areas", area=area)
    assert row["failed"] + row["cancelled"] == 3
    assert row["unsettled"] == 0


def test_a_report_is_a_workbook_with_days_and_rates(service: RunningService, seen: Seen) -> None:
    answer = service.http.get(f"{REPORTS}/visits", params={"area": seen.area, "format": "xlsx"})
    assert answer.headers["content-disposition"] == 'attachment; filename="report-visits.xlsx"'
    book = opened(answer.content)
    rows = table(book["report-visits"])
    assert [(row["day"], row["visits"], row["failure_rate"], row["causes"]) for row in rows] == [
        (datetime(2026, 11, 20), 1, 0.5, "bad_url 1"),
        (datetime(2026, 11, 22), 1, 0.333333, "bad_url 1"),
    ]


@pytest.mark.parametrize("safe", [False, True])
def test_a_report_is_a_csv_file(service: RunningService, seen: Seen, safe: bool) -> None:
    query = {"area": seen.area, "format": "csv"} | ({"safe": "spreadsheet"} if safe else {})
    answer = service.http.get(f"{REPORTS}/stores", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="report-stores.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["store_name"] for row in rows] == ["'=Shop" if safe else "=Shop"] * 2
    assert [row["last_visit_at"] for row in rows] == ["2026-11-20T23:30:00Z", "2026-11-22T10:00:00Z"]
    assert [(row["images"], row["causes"]) for row in rows] == [("2", "bad_url 1"), ("3", "bad_url 1")]
    assert [(row["flagged"], row["blurred_rate"], row["dark"]) for row in rows] == [
        ("0", "0.0", "0"),
        ("1", "0.5", "0"),
    ]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"from_day": "yesterday"}, "from_day"),
        ({"to_day": "2026-11-31"}, "to_day"),
        ({"from_day": ""}, "from_day"),
        ({"from_day": "2026-11-20", "to_day": "2026-11-19"}, "to_day"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "UTC'--"}, "tz"),
        ({"tz": "ABC+5"}, "tz"),
        ({"area": "\0"}, "area"),
        ({"job": "\0"}, "job"),
        ({"format": "parquet"}, "format"),
        ({"cursor": "x"}, "cursor"),
    ],
)
@pytest.mark.parametrize("kind", ["visits", "stores", "areas"])
def test_what_cannot_be_asked_is_refused_and_named(
    service: RunningService, kind: str, query: dict[str, str], named: str
) -> None:
    wrong_parameter(service.http.get(f"{REPORTS}/{kind}", params=query), named)


@pytest.mark.parametrize("format_name", ["json", "csv", "xlsx"])
def test_a_job_that_there_is_not_is_told_before_anything_is_sent(
    service: RunningService, format_name: str
) -> None:
    query = {"job": "no such job", "format": format_name}
    problem(service.http.get(f"{REPORTS}/stores", params=query), 404, "not-found")


def test_an_area_of_two_jobs_is_one_row(service: RunningService) -> None:
    area, (store,) = new_area(service)
    for _ in range(2):
        service.finished(service.submit([visit(store)]))
    put_stores(service, store_file([(area, "Renamed", store)]))
    (row,) = report(service, "stores", store_id=store)
    assert (row["visits"], row["store_name"]) == (2, "Renamed")
