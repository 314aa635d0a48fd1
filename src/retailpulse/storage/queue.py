"""The queue: procrastinate, on the same database and in the same transactions as our own tables.

A message says only which chunk; the tables say everything else, so a message that is lost, doubled
or late does no harm. Running the messages is the worker's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import sql
from psycopg.rows import dict_row

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage.database import Connection

QUEUE = "chunks"
TASK = "work_on_chunk"
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""When a message that is handed back may be claimed: in the past by every clock, also a wrong one."""
_SWEEP_LOCK = 7_236_002
_PRIORITY_STEP = 20_000_000
"""What one step of a job's priority is worth: more than the number of any chunk, and 100 fit 32 bits."""
SWEPT_CHUNKS = 1_000
"""How many open chunks one sweep looks at: its cost does not grow with the backlog."""
# The queue's own function, but its driver would take as long to write the messages as the function itself.
_SEND: LiteralString = """
    SELECT procrastinate_defer_jobs_v1(array_agg(
        ROW(%(queue)s, %(task)s, %(priority)s - least(chunk_no, %(most)s), NULL, NULL,
            jsonb_build_object('job_id', job_id, 'chunk_no', chunk_no), NULL)::procrastinate_job_to_defer_v1
        ORDER BY place))
    FROM unnest(%(job_ids)s::text[], %(chunk_nos)s::int[]) WITH ORDINALITY AS chunk (job_id, chunk_no, place)
"""
_MESSAGE = sql.SQL("""
    SELECT FROM procrastinate_jobs q
    WHERE q.queue_name = %(queue)s AND q.status IN ('todo', 'doing')
      AND q.args->>'job_id' = c.job_id::text AND q.args->>'chunk_no' = c.chunk_no::text
""")
WITHOUT_MESSAGE = sql.SQL("""
    FROM chunks c JOIN jobs j USING (job_id)
    WHERE c.settled < c.images AND j.status = 'ongoing' AND NOT EXISTS ({message})
""").format(message=_MESSAGE)
"""Open chunks that nobody would ever work on, as the end of a statement."""
# OFFSET keeps the planner from reading all messages: that of each chunk is looked up by index.
_LOST = sql.SQL("""
    WITH c AS MATERIALIZED (
        SELECT job_id, chunk_no, row_number() OVER (ORDER BY job_id, chunk_no) AS place
        FROM chunks
        WHERE settled < images AND (job_id, chunk_no) > (%(job_id)s, %(chunk_no)s)
        ORDER BY job_id, chunk_no LIMIT %(limit)s),
    seen AS MATERIALIZED (
        SELECT c.*, (SELECT j.priority FROM jobs j WHERE j.job_id = c.job_id AND j.status = 'ongoing'),
            NOT EXISTS ({message} OFFSET 0) AS has_none
        FROM c)
    SELECT job_id, chunk_no, place, CASE WHEN has_none THEN priority END
    FROM seen WHERE has_none AND priority IS NOT NULL OR place = %(limit)s ORDER BY place
""").format(message=_MESSAGE)
_BEFORE_ALL = ChunkKey(job_id=UUID(int=0), chunk_no=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LostChunk:
    """A chunk that no message names, and the priority of its job."""

    key: ChunkKey
    priority: int


def make_app() -> procrastinate.App:
    """The queue's handle; `open_async(pool)` lets it use our connections, a worker registers the task."""
    return procrastinate.App(connector=procrastinate.PsycopgConnector())


async def send_chunks(
    app: procrastinate.App, connection: Connection, keys: Sequence[ChunkKey], priority: int = 0
) -> None:
    """Sends one message per chunk of jobs of this priority, in the transaction of `connection`.

    Higher priority goes first. Among equals the chunk's number is taken off, so that the first chunks of a
    small new job go before the hundredth chunk of a big old one.
    """
    if not keys:
        return
    try:
        await app.connector.execute_query_all_async_with_connection(
            connection,
            _SEND,
            queue=QUEUE,
            task=TASK,
            priority=priority * _PRIORITY_STEP,
            most=_PRIORITY_STEP - 1,
            job_ids=[str(key.job_id) for key in keys],
            chunk_nos=[key.chunk_no for key in keys],
        )
    except ConnectorException as error:
        if isinstance(error.__cause__, psycopg.Error):
            raise error.__cause__ from None  # an error as of any other statement of the transaction
        raise


def chunk_key(arguments: dict[str, Any]) -> ChunkKey:
    """Reads a message's arguments."""
    return ChunkKey(job_id=UUID(arguments["job_id"]), chunk_no=int(arguments["chunk_no"]))


async def hand_back_stalled(connection: Connection, stale_seconds: float) -> int:
    """Gives the messages of workers that fell silent back to the queue; returns how many.

    The clock is the database's own, so a worker's clock may be wrong.
    """
    cursor = await connection.execute(
        """
        UPDATE procrastinate_jobs q
        SET status = 'todo', worker_id = NULL, attempts = attempts + 1, abort_requested = false
        WHERE queue_name = %s AND status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers w
            WHERE w.id = q.worker_id AND w.last_heartbeat > now() - make_interval(secs => %s))
        """,
        [QUEUE, stale_seconds],
        prepare=False,
    )
    return cursor.rowcount


async def hand_back(connection: Connection, messages: Sequence[Job]) -> int:
    """Gives messages back that their worker holds but does not work on; returns how many."""
    cursor = await connection.execute(
        """
        UPDATE procrastinate_jobs q
        SET status = 'todo', worker_id = NULL, attempts = attempts + 1, abort_requested = false
        FROM unnest(%s::bigint[], %s::bigint[]) AS held (id, worker_id)
        WHERE q.id = held.id AND q.worker_id = held.worker_id AND status = 'doing'
        """,
        [[message.id for message in messages], [message.worker_id for message in messages]],
    )
    return cursor.rowcount


async def drop_unreadable(connection: Connection) -> int:
    """Removes messages whose arguments are no names and values: the queue's worker stumbles over them."""
    cursor = await connection.execute(
        """
        DELETE FROM procrastinate_jobs
        WHERE queue_name = %s AND jsonb_typeof(args) IN ('array', 'string', 'number', 'boolean', 'null')
        """,
        [QUEUE],
        prepare=False,
    )
    return cursor.rowcount


async def drop_job(connection: Connection, job_id: UUID) -> None:
    """Removes the messages of a job that nobody works on yet; the others end by themselves."""
    await connection.execute(
        "DELETE FROM procrastinate_jobs"
        " WHERE queue_name = %s AND status = 'todo' AND args->>'job_id' = %s::text",
        [QUEUE, str(job_id)],
    )


async def find_chunks_without_message(
    connection: Connection, after: ChunkKey | None = None, limit: int = SWEPT_CHUNKS
) -> tuple[list[LostChunk], ChunkKey | None]:
    """Open chunks of ongoing jobs that no message names: nobody would ever work on them.

    Looks at `limit` open chunks, in the order of their keys. Returns also the last of them, after which
    to look the next time; None where it was the last of all, so that the next look begins anew.
    """
    begin = after or _BEFORE_ALL
    parameters = {"queue": QUEUE, "limit": limit, "job_id": begin.job_id, "chunk_no": begin.chunk_no}
    # Planned each time: a plan from when the tables were small would read all messages for every chunk.
    cursor = await connection.execute(_LOST, parameters, prepare=False)
    lost, last = [], None
    for job_id, chunk_no, place, priority in await cursor.fetchall():
        key = ChunkKey(job_id=job_id, chunk_no=chunk_no)
        if priority is not None:
            lost.append(LostChunk(key=key, priority=priority))
        if place == limit:
            last = key
    return lost, last


async def send_lost(app: procrastinate.App, connection: Connection, lost: Iterable[LostChunk]) -> None:
    """Sends the messages that are missing."""
    by_priority: dict[int, list[ChunkKey]] = {}
    for chunk in lost:
        by_priority.setdefault(chunk.priority, []).append(chunk.key)
    for priority, keys in by_priority.items():
        await send_chunks(app, connection, keys, priority)


async def waiting_chunks(connection: Connection, job_id: UUID) -> set[int]:
    """The numbers of a job's chunks whose message waits for a worker."""
    cursor = await connection.execute(
        "SELECT (args->>'chunk_no')::int FROM procrastinate_jobs"
        " WHERE queue_name = %s AND status = 'todo' AND args->>'job_id' = %s::text",
        [QUEUE, str(job_id)],
        prepare=False,
    )
    return {chunk_no for (chunk_no,) in await cursor.fetchall()}


def says_gone(error: ConnectorException) -> bool:
    """Whether an error only says that the message is not there any more, or is another's."""
    return isinstance(error.__cause__, psycopg.errors.RaiseException)


async def messages_in_work(connection: Connection) -> list[Job]:
    """Every message that some worker has claimed."""
    # The queue's own way to ask this cannot use an index: it reads all messages.
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        "SELECT * FROM procrastinate_jobs WHERE queue_name = %s AND status = 'doing'", [QUEUE], prepare=False
    )
    return [Job.from_row(row) for row in await cursor.fetchall()]


async def lock_sweep(connection: Connection) -> bool:
    """Takes the sweep for this transaction; False where another worker has it."""
    cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SWEEP_LOCK])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
