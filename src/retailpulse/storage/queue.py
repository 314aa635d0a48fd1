"""The queue: procrastinate, on the same database and in the same transactions as our own tables.

A message says only which chunk; the tables say everything else, so a message that is lost, doubled
or late does no harm. Running the messages is the worker's.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.jobs import Job

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage.database import Connection

QUEUE = "chunks"
TASK = "work_on_chunk"
_SWEEP_LOCK = 7_236_002


def make_app() -> procrastinate.App:
    """The queue's handle; `open_async(pool)` lets it use our connections, a worker registers the task."""
    return procrastinate.App(connector=procrastinate.PsycopgConnector())


async def send_chunks(
    app: procrastinate.App, connection: Connection, keys: Sequence[ChunkKey], priority: int = 0
) -> None:
    """Sends one message per chunk, in the transaction of `connection`.

    Higher priority goes first. The chunk's number is taken off, so that the first chunks of a small
    new job go before the hundredth chunk of a big old one.
    """
    messages = [
        Job(
            id=None,
            lock=None,
            queueing_lock=None,
            queue=QUEUE,
            task_name=TASK,
            priority=priority - key.chunk_no,
            task_kwargs={"job_id": str(key.job_id), "chunk_no": key.chunk_no},
        )
        for key in keys
    ]
    if messages:
        await app.job_manager.batch_defer_jobs_async(messages, connection=connection)


def chunk_key(arguments: dict[str, Any]) -> ChunkKey:
    """Reads a message's arguments."""
    return ChunkKey(job_id=UUID(arguments["job_id"]), chunk_no=int(arguments["chunk_no"]))


async def hand_back_stalled(app: procrastinate.App, stale_seconds: float) -> int:
    """Gives the messages of workers that fell silent back to the queue; returns how many."""
    stalled: Iterable[Job] = await app.job_manager.get_stalled_jobs(
        queue=QUEUE, seconds_since_heartbeat=stale_seconds
    )
    count = 0
    for job in stalled:
        await app.job_manager.retry_job(job)
        count += 1
    return count


async def find_chunks_without_message(connection: Connection, limit: int = 10_000) -> list[ChunkKey]:
    """Open chunks of ongoing jobs that no message names: nobody would ever work on them."""
    cursor = await connection.execute(
        """
        SELECT c.job_id, c.chunk_no
        FROM chunks c JOIN jobs j USING (job_id)
        WHERE c.settled < c.images AND j.status = 'ongoing'
          AND NOT EXISTS (
            SELECT FROM procrastinate_jobs q
            WHERE q.queue_name = %s AND q.status IN ('todo', 'doing')
              AND q.args->>'job_id' = c.job_id::text AND q.args->>'chunk_no' = c.chunk_no::text)
        LIMIT %s
        """,
        [QUEUE, limit],
    )
    return [ChunkKey(job_id=job_id, chunk_no=chunk_no) for job_id, chunk_no in await cursor.fetchall()]


async def messages_in_work(app: procrastinate.App) -> Iterable[Job]:
    """Every message that some worker has claimed."""
    return await app.job_manager.list_jobs_async(queue=QUEUE, status="doing")


async def lock_sweep(connection: Connection) -> bool:
    """Takes the sweep for this transaction; False where another worker has it."""
    cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SWEEP_LOCK])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
