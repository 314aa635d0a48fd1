"""How many images were ever settled, by outcome, cause and depth, and how many wait: without their rows.

Settled ones are counted by a trigger in the transaction that inserts the results, whoever does that. Pruning
a job takes nothing away, and an image that is settled again after a retry counts again.
"""

from dataclasses import dataclass

from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.storage.database import Connection
from retailpulse.storage.queue import QUEUE

_READ = """
    SELECT outcome, cause, depth, sum(images)::bigint
    FROM (SELECT * FROM settled_totals UNION ALL SELECT * FROM settled_lately) every_one
    GROUP BY outcome, cause, depth ORDER BY outcome, cause, depth
"""
# In the order of the key, as whoever else adds up would lock them.
_FOLD = """
    WITH lately AS (DELETE FROM settled_lately RETURNING outcome, cause, depth, images)
    INSERT INTO settled_totals AS t (outcome, cause, depth, images)
    SELECT outcome, cause, depth, sum(images) FROM lately GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (outcome, cause, depth) DO UPDATE SET images = t.images + excluded.images
"""
# Numbers of messages grow, so the first is the oldest: the others are not looked at.
_BACKLOG = """
    SELECT coalesce(sum(images - measured - failed - cancelled), 0)::bigint, count(*), (
        SELECT extract(epoch FROM now() - e.at)::float8
        FROM (
            SELECT id FROM procrastinate_jobs WHERE queue_name = %(queue)s AND status = 'todo'
            ORDER BY id LIMIT 1) oldest
        JOIN procrastinate_events e ON e.job_id = oldest.id
        WHERE e.type = 'deferred')
    FROM jobs WHERE status = 'ongoing'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """So many images ended like this; `cause` is None where they were measured."""

    outcome: Outcome
    cause: Cause | None
    depth: Depth
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """Images without a result, their jobs, and how long the oldest chunk that nobody works on is queued."""

    images: int
    jobs: int
    oldest_chunk_seconds: float


async def read_settled(connection: Connection) -> list[Settled]:
    """All images ever settled, by how they ended."""
    cursor = await connection.execute(_READ)
    return [
        Settled(
            outcome=Outcome(outcome), cause=Cause(cause) if cause else None, depth=Depth(depth), images=images
        )
        for outcome, cause, depth, images in await cursor.fetchall()
    ]


async def fold_settled(connection: Connection) -> None:
    """Adds up what was counted lately, so that reading it stays cheap."""
    await connection.execute(_FOLD)


async def read_backlog(connection: Connection) -> Backlog:
    """What waits now; its cost grows with the ongoing jobs alone, not with their images."""
    # Planned each time: a plan from when the tables were small would read all messages.
    cursor = await connection.execute(_BACKLOG, {"queue": QUEUE}, prepare=False)
    ((images, jobs, oldest_chunk_seconds),) = await cursor.fetchall()
    return Backlog(images=images, jobs=jobs, oldest_chunk_seconds=oldest_chunk_seconds or 0.0)
