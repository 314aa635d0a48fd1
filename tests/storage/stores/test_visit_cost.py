"""What a page of visits by time alone costs: rows and pages touched, in a table of many other visits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.stores import visits
from retailpulse.storage.stores.visits import FIRST, VisitCursor, VisitFilter, statement_of, values_of
from tests.storage.reports.filled import Filled, fill
from tests.storage.reports.test_cost import nodes
from tests.storage.servers import created

LIMIT = 100
PAGES_OF_VISIT = 15
PAGES_BESIDE = 300
"""Stores that are looked for, the visits that are counted, and what is read of catalogues and indexes."""
LARGE = Filled(areas=10, stores_of_area=20, days=150)
DAY = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(scope="module", params=[False, True], ids=["fresh", "analysed"])
def large_url(request: pytest.FixtureRequest, postgres: EmbeddedServer) -> Iterator[str]:
    """A database of 30,000 visits, 200 a day, known to the planner or not."""
    with created(postgres, "template_retailpulse") as url:
        fill(url, LARGE, is_analysed=request.param)
        yield url


def plan_of(url: str, wanted: VisitFilter, place: VisitCursor) -> dict[str, Any]:
    """The plan of a page of visits, as it was run."""
    statement = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + statement_of(wanted)
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        row = connection.execute(statement, values_of(wanted, place, LIMIT)).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def ids_of(url: str, wanted: VisitFilter, limit: int) -> list[tuple[Any, ...]]:
    """All visits of a filter, page by page, as store, time, job and number."""
    found: list[tuple[Any, ...]] = []
    place = FIRST
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        while page := connection.execute(statement_of(wanted), values_of(wanted, place, limit)).fetchall():
            found += [(row[0], row[4], row[5], row[6]) for row in page]
            store_id, time, job_id, visit_no = found[-1]
            place = VisitCursor(store_id=store_id, visited_at=time, job_id=job_id, visit_no=visit_no)
    return found


MIDDLE = VisitCursor(
    store_id="S0005-0010", visited_at=DAY + timedelta(hours=10), job_id=FIRST.job_id, visit_no=0
)


@pytest.mark.parametrize("few", [50, 5_000], ids=["store by store", "along the time"])
@pytest.mark.parametrize("place", [FIRST, MIDDLE], ids=["first", "later"])
def test_a_page_of_a_day_costs_what_its_visits_cost(
    large_url: str, few: int, place: VisitCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "FEW_VISITS", few)
    plan = plan_of(large_url, VisitFilter(start=DAY, end=DAY + timedelta(days=1)), place)
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert plan["Actual Rows"] == LIMIT
    assert touched < PAGES_OF_VISIT * LIMIT + PAGES_BESIDE
    of_visits = [node for node in nodes(plan) if node.get("Relation Name") == "visits"]
    assert {node["Node Type"] for node in of_visits} <= {"Index Scan", "Bitmap Heap Scan"}
    assert sum(node.get("Rows Removed by Filter", 0) for node in of_visits) == 0


@pytest.mark.parametrize("few", [50, 5_000], ids=["store by store", "along the time"])
def test_pages_of_a_time_give_each_visit_once_in_order(
    large_url: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "FEW_VISITS", few)
    wanted = VisitFilter(start=DAY, end=DAY + timedelta(days=3))
    with psycopg.connect(large_url, options="-c timezone=UTC") as connection:
        meant = connection.execute(
            "SELECT store_id, visited_at, job_id, visit_no FROM visits"
            " WHERE visited_at >= %s AND visited_at < %s ORDER BY 1, 2, 3, 4",
            [wanted.start, wanted.end],
        ).fetchall()
    assert len(meant) == 600
    assert ids_of(large_url, wanted, 37) == meant
