"""How many images were ever settled, by outcome, cause and depth, and how many wait: without their rows.

Settled ones are counted by minutes (`throughput`), which are added up once they are old. Pruning
a job takes nothing away, and an image that is settled again after a retry counts again.
"""

from dataclasses import dataclass

from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import host_status

_READ = """
    SELECT outcome, cause, depth, sum(images)::bigint
    FROM (
        SELECT outcome, cause, depth, images FROM settled_totals
        UNION ALL SELECT outcome, cause, depth, images FROM settled_minutes) every_one
    GROUP BY outcome, cause, depth ORDER BY outcome, cause, depth
"""
# `started_at` stays as it is in a retry, so that what was settled since tells whether one has begun.
_BACKLOG = """
    SELECT coalesce(sum(images - measured - failed - cancelled), 0)::bigint, count(*),
        extract(epoch FROM now() - min(coalesce(retried_at, submitted_at)) FILTER (
            WHERE NOT is_analysis AND CASE WHEN retried_at IS NULL THEN started_at IS NULL
                    ELSE measured + failed + cancelled <= retried_from END
                AND NOT EXISTS (SELECT FROM grants g WHERE g.job_id = jobs.job_id)))::float8
    FROM jobs WHERE status = 'ongoing'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledTotal:
    """How many images ended like this; `cause` is None if they were measured."""

    outcome: Outcome
    cause: Cause | None
    depth: Depth
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """Images without a result, and their jobs; of the images those that no worker has taken.

    `oldest_pending_seconds` is for how long the oldest job waits of which no worker has taken an image since
    its submit or retry, 0 if there is none. `waiting_images` holds copies of a URL too, which are never
    taken themselves. Analyses wait for all other jobs, so that none of them is the oldest.
    """

    images: int
    jobs: int
    waiting_images: int
    oldest_pending_seconds: float
    leased_slots: int
    open_breakers: int


async def read_settled(connection: Connection) -> list[SettledTotal]:
    """All images ever settled, by how they ended."""
    cursor = await connection.execute(_READ)
    return [
        SettledTotal(
            outcome=Outcome(outcome), cause=Cause(cause) if cause else None, depth=Depth(depth), images=images
        )
        for outcome, cause, depth, images in await cursor.fetchall()
    ]


async def read_backlog(connection: Connection) -> Backlog:
    """What waits now; its cost grows with the ongoing jobs and what is in work, not with what waits."""
    # Planned each time: a plan from when there were few jobs would read all that is in work for each.
    cursor = await connection.execute(_BACKLOG, prepare=False)
    ((images, jobs, oldest_seconds),) = await cursor.fetchall()
    totals = await host_status.read_totals(connection)
    return Backlog(
        images=images,
        jobs=jobs,
        waiting_images=max(0, images - totals.taken_images),
        oldest_pending_seconds=max(0.0, oldest_seconds or 0.0),
        leased_slots=totals.leased_slots,
        open_breakers=totals.open_breakers,
    )
