"""Sums over visits and their images, a window of visits at a time.

A window is the next visits in the order of a report, found along an index, with the results of each by its
key: the cost of one statement is bounded, whatever is asked for. Its sums are parts that a reader puts
together. Weak: of the visits of jobs, and of areas by day, each window reads through all of them again.
"""

from uuid import UUID

import msgspec
import psycopg

from retailpulse.domain.errors import InvalidRequest
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.reports.statements import statement_of
from retailpulse.storage.reports.window_sums import LAST_VISIT, Position, ReportFilter, ReportKind, WindowSums

WINDOW_VISITS = 5_000
"""How many visits one statement sums up."""
MOST_JOBS = 100
"""How many jobs of one name are summed up, the newest."""
WINDOW_STORES = 2_000
"""How many stores one statement looks for visits of."""


async def read_window(
    connection: Connection,
    kind: ReportKind,
    wanted: ReportFilter,
    *,
    after: Position | None,
    visits: int = WINDOW_VISITS,
) -> WindowSums:
    """The sums over the next visits after a position, all of them if it is None."""
    values = values_of(wanted, after or Position(), visits)
    cursor = await connection.execute(statement_of(kind, wanted), values, prepare=False)
    ((text,),) = await cursor.fetchall()
    sums = msgspec.json.decode(text, type=WindowSums)
    reached = None
    if sums.seen == visits:
        reached = sums.last
    elif sums.asked == WINDOW_STORES and sums.last_store is not None:
        reached = msgspec.structs.replace(
            sums.last_store, time=None, job_id=UUID(int=2**128 - 1), visit_no=LAST_VISIT
        )
    return sums if reached is None else msgspec.structs.replace(sums, reached=reached)


async def check_time_zone(connection: Connection, tz: str) -> None:
    """Raises InvalidRequest if the database knows no time zone of that name."""
    try:
        await connection.execute("SELECT now() AT TIME ZONE %s", [tz])
    except psycopg.errors.InvalidParameterValue as error:
        raise InvalidRequest(f"tz: there is no time zone {tz[:100]!r}; one is Asia/Kolkata") from error


async def find_jobs(connection: Connection, name: str) -> list[UUID]:
    """The newest jobs of a name."""
    cursor = await connection.execute(
        "SELECT job_id FROM jobs WHERE name = %s ORDER BY submitted_at DESC LIMIT %s", [name, MOST_JOBS]
    )
    return [job_id for (job_id,) in await cursor.fetchall()]


def values_of(wanted: ReportFilter, after: Position, visits: int) -> dict[str, object]:
    """The parameters of a statement of a window."""
    days = [day for day in (wanted.from_day, None if after.visit_no else after.day) if day is not None]
    return {
        "tz": wanted.tz,
        "from_day": max(days, default=None),
        "to_day": wanted.to_day,
        "area_codes": list(wanted.area_codes),
        "store_ids": list(wanted.store_ids),
        "job_ids": list(wanted.job_ids or ()),
        "after_area": after.area_code,
        "after_store": after.store_id,
        "after_time": after.time,
        "after_job": after.job_id,
        "after_visit": after.visit_no,
        "no_job": UUID(int=0),
        "visits": visits,
        "stores": WINDOW_STORES,
    }
