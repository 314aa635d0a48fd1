"""Known photos that earlier ones are to be looked for.

A photo is known, and that is committed, before its own search begins: of two copies that are settled at the
same time, the search of one at least sees the other. Each row belongs to one worker at a time, and goes in
the transaction that does its work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from retailpulse.storage.postgres.database import Connection

# Rows that wait already are touched, never passed over: a worker that works on one has it locked, and may
# have read what has changed since.
_SEARCH = """
    INSERT INTO match_queue (job_id, image_no)
    SELECT * FROM unnest(%s::uuid[], %s::int[]) ORDER BY 1, 2
    ON CONFLICT (job_id, image_no) DO UPDATE SET after = NULL
"""
_SEARCHED = """
    DELETE FROM match_queue q USING unnest(%s::uuid[], %s::int[]) done (job_id, image_no)
    WHERE q.job_id = done.job_id AND q.image_no = done.image_no
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """How much waits in each queue, at most as many as are counted."""

    unknown: int
    unsearched: int


async def put_searches(connection: Connection, keys: Sequence[tuple[UUID, int]]) -> None:
    """Has known photos looked for; waits for a worker that is at one of them."""
    if keys:
        await connection.execute(_SEARCH, _keys(keys))


async def drop_searches(connection: Connection, keys: Sequence[tuple[UUID, int]]) -> None:
    """Notes that photos were looked for."""
    if keys:
        await connection.execute(_SEARCHED, _keys(keys))


async def read_backlog(connection: Connection, most: int = 100_000) -> Backlog:
    """How much waits; counting stops at `most`."""
    cursor = await connection.execute(
        """
        SELECT (SELECT count(*) FROM (SELECT unnest(image_nos) FROM fingerprint_queue LIMIT %(most)s) new),
            (SELECT count(*) FROM (SELECT FROM match_queue LIMIT %(most)s) known)
        """,
        {"most": most},
    )
    ((unknown, unsearched),) = await cursor.fetchall()
    return Backlog(unknown=unknown, unsearched=unsearched)


def _keys(keys: Sequence[tuple[UUID, int]]) -> list[list[UUID] | list[int]]:
    return [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
