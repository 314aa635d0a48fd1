"""What each worker that is alive has in hand: images, at how many hosts, of how many jobs."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection

# What is in work is bounded by the slots of the hosts, not by what waits.
_READ = """
    SELECT w.worker_id, w.beat_at, w.is_stopping, coalesce(g.images, 0) AS images,
        coalesce(g.hosts, 0) AS hosts, coalesce(g.jobs, 0) AS jobs
    FROM (
        SELECT * FROM workers WHERE beat_at > now() - make_interval(secs => %(stale_seconds)s)
        ORDER BY worker_id LIMIT %(most)s) w
    LEFT JOIN (
        SELECT worker_id, sum(cardinality(image_nos))::int AS images, count(DISTINCT host_id) AS hosts,
            count(DISTINCT job_id) AS jobs
        FROM grants GROUP BY worker_id) g USING (worker_id)
    ORDER BY w.worker_id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerHands:
    """A worker: when it last said that it is alive, and what it has in hand."""

    worker_id: int
    beat_at: datetime
    is_stopping: bool
    images: int
    hosts: int
    jobs: int


async def read_hands(connection: Connection, stale_seconds: float, most: int) -> list[WorkerHands]:
    """The workers that were not silent for `stale_seconds`, the first `most`."""
    cursor = connection.cursor(row_factory=class_row(WorkerHands))
    await cursor.execute(_READ, {"stale_seconds": stale_seconds, "most": most})
    return await cursor.fetchall()
