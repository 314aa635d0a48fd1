"""Ends jobs: the one place where a job gets its last status, in the transaction that settles its last image.

Whoever moves counters calls it: who settles results, who cancels, who submits or retries a job none of
whose stores is known. What else belongs to the end of a job is done here.
"""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.database import Connection

_FINISH = """
    UPDATE jobs SET finished_at = now(), status = CASE
        WHEN cancelled > 0 THEN 'cancelled' WHEN failed > 0 THEN 'failed' ELSE 'completed' END
    WHERE job_id = ANY(%s) AND status = 'ongoing' AND measured + failed + cancelled = images
"""


async def finish_jobs(connection: Connection, job_ids: Sequence[UUID]) -> None:
    """Ends those of the jobs whose images all have a result by now; their rows are locked already."""
    if job_ids:
        await connection.execute(_FINISH, [list(job_ids)])
