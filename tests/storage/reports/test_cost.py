"""What a window of a report costs: held by the pages that it touches and the way it goes, not by time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.reports.statements import statement_of
from retailpulse.storage.reports.window_sums import Position, ReportFilter, ReportKind
from retailpulse.storage.reports.windows import values_of
from tests.storage.reports.filled import Filled, fill
from tests.storage.servers import created

VISITS = 200
PAGES_OF_VISIT = 15
PAGES_OF_WINDOW = 1_500
"""Beside its visits: the stores that are looked for, and what is read of catalogues and indexes."""
LARGE = Filled(areas=10, stores_of_area=20, days=150)
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
FILTERS = {
    "all": ReportFilter(),
    "month": ReportFilter(from_day=FIRST, to_day=LAST),
    "suspect": ReportFilter(suspect=True),
    "area": ReportFilter(area_codes=("A0007",), from_day=FIRST, to_day=LAST),
    "store": ReportFilter(store_ids=("S0007-0003",)),
}


@pytest.fixture(scope="module", params=[False, True], ids=["fresh", "analysed"])
def large_url(request: pytest.FixtureRequest, postgres: EmbeddedServer) -> Iterator[str]:
    """A database whose visits are a hundred times those of a window, known to the planner or not."""
    with created(postgres, "template_retailpulse") as url:
        fill(url, LARGE, is_analysed=request.param)
        yield url


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def plan_of(url: str, kind: ReportKind, wanted: ReportFilter, after: Position) -> dict[str, Any]:
    """The plan of a window, as it was run."""
    statement = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + statement_of(kind, wanted)
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        row = connection.execute(statement, values_of(wanted, after, VISITS)).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


MIDDLE = Position(
    area_code="A0005",
    store_id="S0005-0010",
    time=datetime(2026, 3, 10, 10, tzinfo=UTC),
    job_id=UUID(int=2**127),
    visit_no=100,
)


@pytest.mark.parametrize("kind", ReportKind)
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("after", [Position(), MIDDLE], ids=["first", "later"])
def test_a_window_costs_what_its_visits_cost(
    large_url: str, kind: ReportKind, name: str, after: Position
) -> None:
    plan = plan_of(large_url, kind, FILTERS[name], after)
    pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert pages < PAGES_OF_VISIT * VISITS + PAGES_OF_WINDOW
    whole = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
    assert whole <= {"stores", "pruned_jobs"}


@pytest.mark.parametrize("kind", ReportKind)
def test_of_a_job_only_its_own_visits_and_the_results_of_the_window_are_read(
    large_url: str, kind: ReportKind
) -> None:
    with psycopg.connect(large_url) as connection:
        row = connection.execute("SELECT job_id FROM jobs WHERE name = 'week 3'").fetchone()
    assert row is not None
    plan = plan_of(large_url, kind, ReportFilter(job_ids=(row[0],)), Position())
    whole = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
    assert whole <= {"stores", "pruned_jobs"}
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < PAGES_OF_VISIT * VISITS + PAGES_OF_WINDOW
