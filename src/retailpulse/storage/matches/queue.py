"""Known photos that earlier ones are to be looked for.

A photo is known, and that is committed, before its own search begins: of two copies that are settled at the
same time, the search of one at least sees the other. Each row belongs to one worker at a time, and goes in
the transaction that does its work. A photo may have several rows: rows are only added, so that who adds one
waits for no search, whatever it has locked itself.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection

# A row that waits already does not do: a worker may be at it, and may have read what has changed since.
_SEARCH = """
    INSERT INTO match_queue (job_id, image_no, is_anew)
    SELECT job_id, image_no, %s FROM unnest(%s::uuid[], %s::int[]) AS photo (job_id, image_no)
    ORDER BY job_id, image_no
"""
_NEXT = """
    SELECT search_id, job_id, image_no, after, is_anew FROM match_queue
    ORDER BY search_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_GO_ON = "UPDATE match_queue SET after = %s, is_anew = false WHERE search_id = %s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A row of the queue, which no other worker has.

    `after`: where it goes on, None at the beginning. `is_anew`: matches of the photo may be wrong.
    """

    search_id: int
    job_id: UUID
    image_no: int
    after: int | None
    is_anew: bool

    @property
    def key(self) -> tuple[UUID, int]:
        """Which image is looked for."""
        return self.job_id, self.image_no


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """How much waits in each queue, at most as many as are counted."""

    unknown: int
    unsearched: int


async def put_searches(
    connection: Connection, keys: Collection[tuple[UUID, int]], *, anew: bool = False
) -> None:
    """Has known photos looked for; waits for nobody. `anew`: their matches are deleted before that."""
    if keys:
        columns = [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
        await connection.execute(_SEARCH, [anew, *columns])


async def next_searches(connection: Connection, limit: int) -> list[Search]:
    """The next rows, the oldest first; they are locked, and those of other workers passed over."""
    cursor = connection.cursor(row_factory=class_row(Search))
    await cursor.execute(_NEXT, [limit])
    return await cursor.fetchall()


async def go_on(connection: Connection, search_id: int, after: int) -> None:
    """Leaves a search in the queue, to go on after a place."""
    await connection.execute(_GO_ON, [after, search_id])


async def drop_searches(connection: Connection, search_ids: Sequence[int]) -> None:
    """Notes that photos were looked for."""
    await connection.execute("DELETE FROM match_queue WHERE search_id = ANY(%s)", [list(search_ids)])


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
