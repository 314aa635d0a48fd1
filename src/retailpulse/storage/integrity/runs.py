"""Checks that pages have begun: one at a time, its progress while it runs, and what it found, kept.

The process that runs a check says so every second; one that is silent has been broken off.
"""

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import kwargs_row

from retailpulse.storage.integrity.check import STEPS, IntegrityReport
from retailpulse.storage.postgres.database import Connection

SILENT_SECONDS = 15.0
"""A check of which nothing was heard for so long goes on no more."""
MOST_KEPT = 20
BROKEN_OFF = "the process that ran it ended before the check"

_END_SILENT = """
    UPDATE checks SET ended_at = now(), failure = %(failure)s
    WHERE ended_at IS NULL AND beat_at < now() - make_interval(secs => %(seconds)s)
"""
# The index lets one check at a time be without an end.
_BEGIN = """
    INSERT INTO checks (begun_by, total) VALUES (%(begun_by)s, %(total)s)
    ON CONFLICT DO NOTHING RETURNING check_id
"""
_PRUNE = "DELETE FROM checks WHERE check_id <= (SELECT max(check_id) FROM checks) - %s"
_BEAT = "UPDATE checks SET beat_at = now(), done = %s WHERE check_id = %s AND ended_at IS NULL"
_END = """
    UPDATE checks SET ended_at = now(), beat_at = now(), failure = %s, report = %s::jsonb
    WHERE check_id = %s AND ended_at IS NULL
"""
_LIST = """
    SELECT check_id, began_at, begun_by, done, total, ended_at, report,
        CASE WHEN ended_at IS NULL AND beat_at < now() - make_interval(secs => %(seconds)s)
            THEN %(failure)s ELSE failure END AS failure,
        extract(epoch FROM coalesce(ended_at, now()) - began_at)::float8 AS took_seconds
    FROM checks ORDER BY check_id DESC LIMIT %(limit)s
"""


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One check: how far it is, or its report, or why there is none."""

    check_id: int
    began_at: datetime
    begun_by: str
    done: int
    total: int
    ended_at: datetime | None
    failure: str | None
    report: IntegrityReport | None
    took_seconds: float

    @property
    def is_running(self) -> bool:
        """Whether it goes on now."""
        return self.ended_at is None and self.failure is None


async def begin(connection: Connection, begun_by: str) -> int | None:
    """Makes the row of a new check, in the transaction of `connection`; None if one goes on."""
    await connection.execute(_END_SILENT, {"failure": BROKEN_OFF, "seconds": SILENT_SECONDS})
    cursor = await connection.execute(_BEGIN, {"begun_by": begun_by, "total": STEPS})
    made = await cursor.fetchone()
    await connection.execute(_PRUNE, [MOST_KEPT])
    return None if made is None else int(made[0])


async def beat(connection: Connection, check_id: int, done: int) -> bool:
    """Says that a check goes on; False if it was taken for broken off."""
    return (await connection.execute(_BEAT, [done, check_id])).rowcount == 1


async def end(
    connection: Connection,
    check_id: int,
    *,
    report: IntegrityReport | None = None,
    failure: str | None = None,
) -> None:
    """Keeps what a check found, or why it found nothing."""
    text = None if report is None else msgspec.json.encode(report).decode()
    await connection.execute(_END, [failure, text, check_id])


async def read(connection: Connection, limit: int = MOST_KEPT) -> list[CheckRow]:
    """The last checks, the newest first."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_LIST, {"failure": BROKEN_OFF, "seconds": SILENT_SECONDS, "limit": limit})
    return await cursor.fetchall()


def _row(report: Any, **rest: Any) -> CheckRow:
    return CheckRow(report=msgspec.convert(report, IntegrityReport | None), **rest)
