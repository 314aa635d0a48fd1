"""What lost workers had in hand: images that were there more than once are tried alone.

A loss proves nothing against an image; it only sends it to quarantine, where it is alone with a process.
Nothing here is asked while no worker is lost.
"""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.postgres.database import Connection

QUARANTINE = 0
"""The id of the host at which images wait that are tried alone; neither a real one nor a bucket."""
LOSSES_BEFORE_QUARANTINE = 2

# A worker that was told to stop may be killed when its time is over; that says nothing of its images.
_NOTE = """
    INSERT INTO losses (process, job_id, image_nos)
    SELECT w.process, g.job_id, g.image_nos
    FROM grants g JOIN workers w ON w.worker_id = g.worker_id AND NOT w.is_stopping
    WHERE g.worker_id = ANY(%s) AND g.job_id = ANY(%s)
"""
SUSPECTS = """
    SELECT job_id, no FROM losses CROSS JOIN LATERAL unnest(image_nos) no
    WHERE job_id = ANY(%(job_ids)s)
    GROUP BY job_id, no HAVING count(DISTINCT process) >= %(losses)s
"""
"""The images of jobs that at least `losses` processes had in hand when they were lost."""


async def note(connection: Connection, worker_ids: Sequence[int], job_ids: Sequence[UUID]) -> None:
    """Notes what workers that are lost have in hand, in the transaction that takes it from them."""
    await connection.execute(_NOTE, [list(worker_ids), list(job_ids)], prepare=False)


async def forget(connection: Connection, process: UUID) -> None:
    """Takes back that a process was lost: it lives. It had slept, or could not reach the database."""
    await connection.execute("DELETE FROM losses WHERE process = %s", [process])


async def forget_ended(connection: Connection) -> None:
    """Forgets what was noted of jobs that do not go on any more."""
    await connection.execute(
        "DELETE FROM losses l"
        " WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = l.job_id AND j.status = 'ongoing' OFFSET 0)",
        prepare=False,
    )
