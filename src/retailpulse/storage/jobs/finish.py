"""Ends jobs: only here a job gets its last status, in the transaction that settles its last image.

All code that moves counters calls it: settling results, a cancel, a submit or retry of a job of which no
store is known. Whatever else belongs to the end of a job is done here.
"""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.enqueue import drop_waiting

_FINISH = """
    WITH ended AS (
        UPDATE jobs SET finished_at = now(), status = CASE
            WHEN cancelled > 0 THEN 'cancelled' WHEN failed > 0 THEN 'failed' ELSE 'completed' END
        WHERE job_id = ANY(%s) AND status = 'ongoing' AND measured + failed + cancelled = images
        RETURNING job_id, has_credentials),
    forgotten AS (
        DELETE FROM job_credentials WHERE job_id IN (SELECT job_id FROM ended WHERE has_credentials))
    SELECT job_id FROM ended
"""


async def finish_jobs(connection: Connection, job_ids: Sequence[UUID]) -> list[UUID]:
    """Ends those of the jobs whose images all have a result by now, and returns them; their rows are locked.

    Images that still wait or are in work were taken from a worker that settled them after all: they go.
    """
    if not job_ids:
        return []
    cursor = await connection.execute(_FINISH, [list(job_ids)])
    ended = sorted(job_id for (job_id,) in await cursor.fetchall())
    if ended:
        await drop_waiting(connection, ended)
    return ended
