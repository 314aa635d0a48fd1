"""Pages of reports as the service puts them together: whole rows in order, bounded work for each."""

from datetime import date
from typing import Any

import psycopg
import pytest

from retailpulse.domain.errors import InvalidRequest
from retailpulse.service import reports
from retailpulse.service.reports import Reports
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reports import windows
from retailpulse.storage.reports.window_sums import ReportFilter, ReportKind
from tests.storage.reports.filled import Filled, fill

each_kind = pytest.mark.parametrize("kind", ReportKind)


@pytest.fixture
async def filled(database: Database, database_url: str) -> Reports:
    fill(database_url, Filled(areas=4, stores_of_area=3, days=9, images=4))
    return Reports(database)


def cut(monkeypatch: pytest.MonkeyPatch, *, visits: int, page_windows: int, stores: int = 2_000) -> None:
    """Makes windows small, as if the tables were large."""
    read = windows.read_window

    async def read_small(*args: Any, **options: Any) -> Any:
        return await read(*args, **options, visits=visits)

    monkeypatch.setattr(windows, "read_window", read_small)
    monkeypatch.setattr(windows, "WINDOW_STORES", stores)
    monkeypatch.setattr(reports, "PAGE_WINDOWS", page_windows)


async def pages(service: Reports, kind: ReportKind, wanted: ReportFilter, limit: int) -> list[list[Any]]:
    found, after = [], None
    while True:
        page, after = await service.page(kind, wanted, after=after, limit=limit)
        found.append(page)
        if after is None:
            return found


@each_kind
@pytest.mark.parametrize("wanted", [ReportFilter(), ReportFilter(area_codes=("A0002", "A0003"))])
async def test_pages_hold_each_row_once_whatever_the_limit(
    filled: Reports, kind: ReportKind, wanted: ReportFilter
) -> None:
    whole = [row async for row in filled.all(kind, wanted)]
    assert len(whole) >= 2
    for limit in (1, 2, 3, len(whole), len(whole) + 1):
        found = await pages(filled, kind, wanted, limit)
        assert [row for page in found for row in page] == whole
        assert all(len(page) == limit for page in found[:-1])


@each_kind
async def test_a_page_that_costs_too_much_is_short_and_yet_has_a_next(
    filled: Reports, kind: ReportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row async for row in filled.all(kind, ReportFilter())]
    cut(monkeypatch, visits=15, page_windows=3)
    found = await pages(filled, kind, ReportFilter(), 1_000)
    assert len(found) > 1
    assert [row for page in found for row in page] == whole


async def test_a_page_of_stores_that_were_not_visited_may_be_empty(
    filled: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(monkeypatch, visits=15, page_windows=2, stores=2)
    wanted = ReportFilter(from_day=date(2030, 1, 1))
    found = await pages(filled, ReportKind.STORES, wanted, 1_000)
    assert len(found) > 1
    assert [row for page in found for row in page] == []


@each_kind
async def test_a_row_that_costs_too_much_for_a_page_is_refused_and_in_the_file(
    filled: Reports, kind: ReportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row async for row in filled.all(kind, ReportFilter())]
    cut(monkeypatch, visits=1, page_windows=2)
    with pytest.raises(InvalidRequest, match="format=csv"):
        await filled.page(kind, ReportFilter(), after=None, limit=10)
    assert [row async for row in filled.all(kind, ReportFilter())] == whole


@each_kind
async def test_visits_of_no_time_are_on_the_last_page(
    filled: Reports, kind: ReportKind, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE visits SET visited_at = NULL WHERE visit_no IN (1, 3)")
    whole = [row async for row in filled.all(kind, ReportFilter())]
    for limit in (1, 2, 3):
        found = await pages(filled, kind, ReportFilter(), limit)
        assert [row for page in found for row in page] == whole
