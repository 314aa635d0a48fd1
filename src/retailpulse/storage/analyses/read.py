"""Analyses as they are read: jobs, and what became of the photos that they looked at."""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.postgres.database import Connection

_COUNTS = """
    SELECT a.job_id, a.became, a.images
    FROM unnest(%s::uuid[]) AS asked (job_id) CROSS JOIN LATERAL (
        SELECT job_id, became, count(*) AS images FROM analysis_images
        WHERE job_id = asked.job_id AND became IS NOT NULL GROUP BY job_id, became OFFSET 0) a
"""


async def read_became(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many photos of each analysis were analyzed, had changed, or were gone."""
    cursor = await connection.execute(_COUNTS, [list(job_ids)], prepare=False)
    counts: dict[UUID, dict[str, int]] = {job_id: {} for job_id in job_ids}
    for job_id, became, images in await cursor.fetchall():
        counts[job_id][became] = images
    return counts


async def is_analysis(connection: Connection, job_id: UUID) -> bool:
    """Whether a job is an analysis."""
    cursor = await connection.execute("SELECT is_analysis FROM jobs WHERE job_id = %s", [job_id])
    return await cursor.fetchone() == (True,)
