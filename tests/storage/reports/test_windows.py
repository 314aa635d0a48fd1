"""Windows of reports: their sums are those of all visits however they are cut, and cost what they read."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import psycopg
import pytest

from retailpulse.domain.errors import InvalidRequest
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reports import windows
from retailpulse.storage.reports.window_sums import Position, ReportFilter, ReportKind, WindowSums
from retailpulse.storage.reports.windows import check_time_zone, find_jobs, read_window
from tests.storage.reports.filled import Filled, fill

SMALL = Filled(areas=3, stores_of_area=4, days=10, images=4)
ALL = 3 * 4 * 10
each_kind = pytest.mark.parametrize("kind", ReportKind)


@pytest.fixture
async def filled(database: Database, database_url: str) -> Database:
    fill(database_url, SMALL)
    return database


async def read(
    database: Database, kind: ReportKind, wanted: ReportFilter, *, visits: int = windows.WINDOW_VISITS
) -> AsyncIterator[WindowSums]:
    after: Position | None = None
    while True:
        async with database.connection() as connection:
            window = await read_window(connection, kind, wanted, after=after, visits=visits)
        yield window
        if window.reached is None:
            return
        after = window.reached


async def sums_of(database: Database, kind: ReportKind, wanted: ReportFilter, **options: Any) -> Any:
    """The sums of all windows, by row: visits, images, then images by how they ended; and the areas."""
    groups: Counter[Any] = Counter()
    areas: Counter[str] = Counter()
    async for window in read(database, kind, wanted, **options):
        for group in window.groups:
            key = (group.day, group.area_code, group.store_id)
            groups[(*key, "visits")] += group.visits
            groups[(*key, "images")] += group.images
        for ended in window.outcomes:
            key = (ended.day, ended.area_code, ended.store_id)
            for name in ("images", "suspect", "perimeter"):
                groups[(*key, ended.outcome, ended.cause, name)] += getattr(ended, name)
        for area in window.areas:
            areas[area.area_code] += area.stores
    return +groups, areas


def total(groups: Counter[Any], *names: str | None) -> int:
    return sum(number for key, number in groups.items() if key[3:] == names)


@each_kind
@pytest.mark.parametrize("visits", [1, 7, 30, ALL, ALL + 1])
async def test_the_sums_are_the_same_however_visits_are_cut_into_windows(
    filled: Database, kind: ReportKind, visits: int
) -> None:
    for wanted in (
        ReportFilter(),
        ReportFilter(area_codes=("A0002",)),
        ReportFilter(store_ids=("S0001-0002", "S0003-0001")),
        ReportFilter(from_day=date(2026, 1, 3), to_day=date(2026, 1, 8)),
        ReportFilter(suspect=True),
    ):
        expected = await sums_of(filled, kind, wanted)
        assert expected[0]
        assert await sums_of(filled, kind, wanted, visits=visits) == expected


@each_kind
async def test_nothing_is_counted_twice_or_lost(filled: Database, kind: ReportKind) -> None:
    groups, _ = await sums_of(filled, kind, ReportFilter(), visits=7)
    assert total(groups, "visits") == ALL
    assert total(groups, "images") == 4 * ALL
    assert total(groups, "measured", None, "images") == ALL
    assert total(groups, "failed", "http_status", "images") == ALL
    assert total(groups, "cancelled", "cancelled", "images") == ALL
    assert total(groups, "measured", None, "perimeter") == 100 * ALL
    assert total(groups, "measured", None, "suspect") == sum((84 // 5, 36 // 5))


async def test_each_store_of_an_area_is_counted_once(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stores in (1, 2, 5, 12, 13):
        monkeypatch.setattr(windows, "WINDOW_STORES", stores)
        for visits in (1, 7, 40, ALL + 1):
            _, areas = await sums_of(filled, ReportKind.AREAS, ReportFilter(), visits=visits)
            assert areas == {"A0001": 4, "A0002": 4, "A0003": 4}, (stores, visits)


async def test_areas_without_a_visit_are_there(filled: Database) -> None:
    wanted = ReportFilter(from_day=date(2030, 1, 1))
    groups, areas = await sums_of(filled, ReportKind.AREAS, wanted)
    assert (groups, areas) == (Counter(), {"A0001": 4, "A0002": 4, "A0003": 4})


@each_kind
@pytest.mark.parametrize("visits", [7, 1_000])
async def test_of_jobs_only_their_visits_are_seen(filled: Database, kind: ReportKind, visits: int) -> None:
    async with filled.connection() as connection:
        (job_id,) = await find_jobs(connection, "week 1")
        assert await find_jobs(connection, "week 9") == []
    groups, _ = await sums_of(filled, kind, ReportFilter(job_ids=(job_id,)), visits=visits)
    assert total(groups, "visits") == 36
    one_day = ReportFilter(job_ids=(job_id,), from_day=date(2026, 1, 9), to_day=date(2026, 1, 9))
    groups, _ = await sums_of(filled, kind, one_day, visits=visits)
    assert total(groups, "visits") == 12


async def test_a_day_is_one_of_the_time_zone_that_is_asked_for(filled: Database) -> None:
    """The visits are at 10:00 UTC, which is the next day in Auckland."""
    for tz, first in (
        ("UTC", date(2026, 1, 1)),
        ("Pacific/Auckland", date(2026, 1, 1)),
        ("Etc/GMT-14", date(2026, 1, 2)),
    ):
        groups, _ = await sums_of(filled, ReportKind.VISITS, ReportFilter(tz=tz))
        assert min(key[0] for key in groups) == first, tz
        one_day = ReportFilter(tz=tz, from_day=first, to_day=first)
        groups, _ = await sums_of(filled, ReportKind.VISITS, one_day)
        assert {key[0] for key in groups} == {first}
        assert total(groups, "visits") == 12


async def test_a_visit_of_no_time_comes_last_and_only_where_no_day_is_asked_for(
    filled: Database, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE visits SET visited_at = NULL WHERE visit_no = 1")
    for kind in ReportKind:
        groups, _ = await sums_of(filled, kind, ReportFilter(), visits=7)
        assert total(groups, "visits") == ALL
        groups, _ = await sums_of(filled, kind, ReportFilter(from_day=date(2000, 1, 1)), visits=7)
        assert total(groups, "visits") == ALL - 2
    windows_seen = [
        window async for window in read(filled, ReportKind.VISITS, ReportFilter(), visits=ALL - 2)
    ]
    assert [{group.day for group in window.groups} for window in windows_seen][-1] == {None}


async def test_visits_of_jobs_on_their_way_out_are_not_seen(filled: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO pruned_jobs SELECT job_id FROM jobs WHERE name = 'week 1'")
    for kind in ReportKind:
        groups, _ = await sums_of(filled, kind, ReportFilter())
        assert total(groups, "visits") == 84


async def test_a_time_zone_that_there_is_not_is_refused(database: Database) -> None:
    async with database.connection() as connection:
        await check_time_zone(connection, "Asia/Kolkata")
        with pytest.raises(InvalidRequest, match="tz"):
            await check_time_zone(connection, "Mars/Olympus")
