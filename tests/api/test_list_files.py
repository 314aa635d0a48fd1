"""Visits and stores as files: all that pages would hold, as CSV or XLSX."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest

from retailpulse.service.stores import STORES_PER_PAGE
from tests.api.export.workbooks import opened, table
from tests.api.jobs import new_area, put_stores, store_file, visit, wrong_parameter
from tests.api.paging import items_of
from tests.running import RunningService


def fetched(service: RunningService, name: str, file_format: str, **query: Any) -> bytes:
    answer = service.http.get(f"/api/v1/{name}", params={"format": file_format, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{file_format}"'
    return answer.content


def test_visits_are_a_workbook_with_their_instants(service: RunningService) -> None:
    area, (store,) = new_area(service, name="=1+1")
    service.finished(
        service.submit([visit(store, at="2026-11-20T15:30:00+05:30"), visit(store, at="no time")])
    )
    rows = table(opened(fetched(service, "visits", "xlsx", area=area))["visits"])
    expected = items_of(service, "/api/v1/visits", area=area)
    assert [row["visited_at"] for row in rows] == [datetime(2026, 11, 20, 10), None]
    assert [{**row, "visited_at": None} for row in rows] == [{**row, "visited_at": None} for row in expected]
    assert rows[0]["store_name"] == "=1+1"


def test_visits_are_csv_which_can_be_made_safe(service: RunningService) -> None:
    area, (store,) = new_area(service, name="=1+1")
    service.submit([visit(store, at="2026-11-20T10:00:00Z")])
    for safe, name in ((None, "=1+1"), ("spreadsheet", "'=1+1")):
        query = {"area": area} | ({"safe": safe} if safe else {})
        (row,) = csv.DictReader(io.StringIO(fetched(service, "visits", "csv", **query).decode()))
        assert row["store_name"] == name
        assert (row["visited_at"], row["images"]) == ("2026-11-20T10:00:00Z", "1")


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_all_stores_are_in_the_file_beyond_one_page(service: RunningService, file_format: str) -> None:
    area, ids = new_area(service, stores=STORES_PER_PAGE + 2)
    content = fetched(service, "stores", file_format, area=area)
    if file_format == "csv":
        found = [row["store_id"] for row in csv.DictReader(io.StringIO(content.decode()))]
    else:
        found = [row["store_id"] for row in table(opened(content)["stores"])]
    assert sorted(found) == sorted(ids)


def test_a_search_is_the_same_in_a_file(service: RunningService) -> None:
    put_stores(
        service, store_file([("in-a-file", "Fileable Kiosk", "FILE-1"), ("in-a-file", "Other", "O-1")])
    )
    assert fetched(service, "stores", "csv", q="fileable").decode() == (
        "store_id,area_code,store_name,latitude,longitude\nFILE-1,in-a-file,Fileable Kiosk,,\n"
    )
    assert fetched(service, "stores", "csv", q="no such store").decode() == (
        "store_id,area_code,store_name,latitude,longitude\n"
    )


@pytest.mark.parametrize("name", ["visits", "stores"])
def test_a_format_that_there_is_not_is_refused(service: RunningService, name: str) -> None:
    wrong_parameter(service.http.get(f"/api/v1/{name}", params={"format": "parquet"}), "format")


@pytest.mark.parametrize("name", ["visits", "stores", "reports/visits", "reports/stores", "reports/areas"])
def test_a_file_takes_no_cursor_that_a_page_would_not(service: RunningService, name: str) -> None:
    wrong_parameter(service.http.get(f"/api/v1/{name}", params={"format": "csv", "cursor": "x"}), "cursor")
