"""Deliveries: taken by one worker at a time, logged try by try, sent again if a message was lost.

They are written by a trigger, together with their message, in the transaction that ends a job (migration
0007). A message holds only the delivery and its receiver. Taking a delivery moves the time of the next try
past the end of this one: so a worker that dies is followed by another, and a doubled message finds nothing.
Weak: a receiver may get a callback twice, with the same id, if a worker dies between the post and its log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import kwargs_row

from retailpulse.domain.callbacks import DeliveryKey, DeliveryState
from retailpulse.domain.ids import parse_job_id
from retailpulse.schema import DeliveryTry
from retailpulse.storage.jobs.read import JOB_COLUMNS, JobRow, job_cursor
from retailpulse.storage.postgres.database import Connection

QUEUE = "deliveries"
SWEPT_DELIVERIES = 1_000
MOST_TRIES_KEPT = 100
"""The log of a delivery holds its last tries."""

WITHOUT_DELIVERY = sql.SQL("""
    FROM jobs j
    WHERE j.status <> 'ongoing' AND j.callback_url IS NOT NULL AND NOT EXISTS (
        SELECT FROM deliveries d
        WHERE d.job_id = j.job_id AND coalesce(d.ended_at >= j.finished_at, true))
""")
"""Ended jobs whose receiver would never be told, as the end of a statement."""
WITHOUT_MESSAGE = sql.SQL("""
    d.state = 'pending' AND d.next_try_at <= now() AND NOT EXISTS (
        SELECT FROM procrastinate_jobs q
        WHERE q.queue_name = 'deliveries' AND q.status = 'todo'
          AND q.args->>'job_id' = d.job_id::text AND q.args->>'delivery_no' = d.delivery_no::text
        OFFSET 0)
""")
"""The SQL condition on a delivery `d` that is due but has no message."""

_DUE = """
    SELECT job_id, delivery_no, url, receiver, failures, pending_since,
        extract(epoch FROM now() - pending_since)::float8 AS pending_seconds, clock_timestamp() AS now
    FROM deliveries
    WHERE (job_id, delivery_no) IN (SELECT * FROM unnest(%s::uuid[], %s::int[]))
      AND state = 'pending' AND next_try_at <= now()
    ORDER BY next_try_at
    FOR UPDATE SKIP LOCKED
"""
_LEASE = """
    UPDATE deliveries SET next_try_at = now() + make_interval(secs => %s)
    WHERE (job_id, delivery_no) IN (SELECT * FROM unnest(%s::uuid[], %s::int[]))
"""
# What was delivered is delivered, unless a client has asked for it again since.
_LOG = sql.SQL("""
    UPDATE deliveries SET
        tries = CASE WHEN jsonb_array_length(tries) >= %(kept)s THEN tries - 0 ELSE tries END
            || %(try)s::jsonb,
        state = CASE WHEN {counts} THEN %(state)s ELSE state END,
        failures = failures + ({counts} AND %(state)s <> 'delivered')::int,
        next_try_at = CASE WHEN {counts} THEN now() + make_interval(secs => %(wait_seconds)s::float8)
            ELSE next_try_at END
    WHERE job_id = %(job_id)s AND delivery_no = %(delivery_no)s
""").format(
    counts=sql.SQL("""
        (state = 'pending' AND pending_since = %(pending_since)s
            AND (%(state)s = 'delivered' OR failures = %(failures)s))
    """)
)
_HAND_BACK = """
    WITH back AS (
        UPDATE deliveries SET next_try_at = now()
        WHERE job_id = %(job_id)s AND delivery_no = %(delivery_no)s AND state = 'pending'
          AND pending_since = %(pending_since)s AND failures = %(failures)s
        RETURNING job_id, delivery_no)
    SELECT send_delivery_messages(array_agg(job_id), array_agg(delivery_no)) FROM back
"""
_SEND_LOST = sql.SQL("""
    WITH due AS MATERIALIZED (
        SELECT * FROM deliveries
        WHERE state = 'pending' AND next_try_at <= now()
        ORDER BY next_try_at LIMIT %s),
    lost AS MATERIALIZED (SELECT job_id, delivery_no FROM due d WHERE {without_message})
    SELECT count(*), send_delivery_messages(array_agg(job_id), array_agg(delivery_no)) FROM lost
""").format(without_message=WITHOUT_MESSAGE)
_AS_ENDED = sql.SQL("""
    SELECT {columns} FROM (
        SELECT j.* FROM deliveries d, LATERAL jsonb_populate_record(NULL::jobs, d.job) j
        WHERE d.job_id = %s AND d.delivery_no = %s) jobs
""").format(columns=JOB_COLUMNS)
_COLUMNS = sql.SQL("job_id, delivery_no, url, ended_at, state, next_try_at, tries")
_PAGE = sql.SQL("""
    SELECT {columns} FROM deliveries WHERE job_id = %s AND delivery_no > %s ORDER BY delivery_no LIMIT %s
""").format(columns=_COLUMNS)
_SEND_AGAIN = sql.SQL("""
    UPDATE deliveries SET state = 'pending', pending_since = now(), next_try_at = now(), failures = 0
    WHERE job_id = %(job_id)s
      AND delivery_no = (SELECT max(delivery_no) FROM deliveries WHERE job_id = %(job_id)s)
    RETURNING {columns}
""").format(columns=_COLUMNS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message that waits; `key` is None if it names no delivery."""

    message_no: int
    key: DeliveryKey | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A delivery to try now: how often that was in vain since `pending_since`, and how long that is ago.

    `receiver` is the host and port of the URL. `now` is the database's time, which is right even if a
    worker's is wrong.
    """

    key: DeliveryKey
    url: str
    receiver: str
    failures: int
    pending_since: datetime
    pending_seconds: float
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """A delivery as clients see it."""

    key: DeliveryKey
    url: str
    ended_at: datetime
    state: DeliveryState
    next_try_at: datetime | None
    tries: tuple[DeliveryTry, ...]


async def any_message(connection: Connection) -> bool:
    """Whether some delivery waits to be taken."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queue_name = 'deliveries' AND status = 'todo')",
        prepare=False,
    )
    return await cursor.fetchone() == (True,)


async def lock_messages(connection: Connection, busy: Sequence[str], limit: int) -> list[Message]:
    """The messages that wait longest, locked; not those for receivers that are busy.

    Those that another worker looks at are left out.
    """
    cursor = await connection.execute(
        """
        SELECT id, args FROM procrastinate_jobs
        WHERE queue_name = 'deliveries' AND status = 'todo' AND coalesce(args->>'receiver', '') <> ALL(%s)
        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        [list(busy), limit],
        prepare=False,
    )
    return [Message(message_no=number, key=_key(args)) for number, args in await cursor.fetchall()]


def _key(arguments: Any) -> DeliveryKey | None:
    if not isinstance(arguments, dict):
        return None
    job_id, number = parse_job_id(str(arguments.get("job_id"))), arguments.get("delivery_no")
    if job_id is None or not isinstance(number, int) or not 0 < number < 2**31:
        return None
    return DeliveryKey(job_id=job_id, delivery_no=number)


async def drop_messages(connection: Connection, messages: Sequence[Message]) -> None:
    """Removes messages that have been read."""
    numbers = [message.message_no for message in messages]
    await connection.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [numbers])


async def lock_due(connection: Connection, keys: Sequence[DeliveryKey]) -> list[Due]:
    """Those of the deliveries that are to be tried now, locked; the longest due first."""
    cursor = connection.cursor(row_factory=kwargs_row(_due))
    await cursor.execute(_DUE, _columns(keys))
    return await cursor.fetchall()


def _due(job_id: UUID, delivery_no: int, **rest: Any) -> Due:
    return Due(key=DeliveryKey(job_id=job_id, delivery_no=delivery_no), **rest)


async def lease(connection: Connection, keys: Sequence[DeliveryKey], seconds: float) -> None:
    """Reserves deliveries for this worker for `seconds`."""
    await connection.execute(_LEASE, [seconds, *_columns(keys)])


def _columns(keys: Sequence[DeliveryKey]) -> list[list[UUID] | list[int]]:
    return [[key.job_id for key in keys], [key.delivery_no for key in keys]]


async def job_as_ended(connection: Connection, key: DeliveryKey) -> JobRow | None:
    """The job as it was at its end; None if it was deleted."""
    cursor = await job_cursor(connection).execute(_AS_ENDED, [key.job_id, key.delivery_no])
    return await cursor.fetchone()


async def log_try(
    connection: Connection, due: Due, made: DeliveryTry, state: DeliveryState, wait_seconds: float | None
) -> None:
    """Logs a try, and says what comes after it: nothing, or the next one after `wait_seconds`.

    If another worker has the delivery meanwhile, because this one slept or a client asked for it again, the
    try is logged and changes nothing else.
    """
    parameters = {
        "job_id": due.key.job_id,
        "delivery_no": due.key.delivery_no,
        "pending_since": due.pending_since,
        "failures": due.failures,
        "try": msgspec.json.encode([made]).decode(),
        "kept": MOST_TRIES_KEPT,
        "state": str(state),
        "wait_seconds": wait_seconds,
    }
    await connection.execute(_LOG, parameters)


async def hand_back(connection: Connection, due: Due) -> None:
    """Lets another worker make a try that this one has not logged."""
    parameters = {
        "job_id": due.key.job_id,
        "delivery_no": due.key.delivery_no,
        "pending_since": due.pending_since,
        "failures": due.failures,
    }
    await connection.execute(_HAND_BACK, parameters)


async def send_due(connection: Connection) -> int:
    """Sends a message for deliveries that are due and have none; returns how many."""
    cursor = await connection.execute(_SEND_LOST, [SWEPT_DELIVERIES], prepare=False)
    ((count, _),) = await cursor.fetchall()
    return int(count)


async def read_page(connection: Connection, job_id: UUID, after: int, limit: int) -> list[DeliveryRow]:
    """The deliveries of a job after a number, the first end first."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_PAGE, [job_id, after, limit])
    return await cursor.fetchall()


async def send_again(connection: Connection, job_id: UUID) -> DeliveryRow | None:
    """Has the delivery of a job's last end tried again from now on, whatever came of it; None for none."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_SEND_AGAIN, {"job_id": job_id})
    row = await cursor.fetchone()
    if row is not None:
        await connection.execute("SELECT send_delivery_messages(%s::uuid[], %s::int[])", _columns([row.key]))
    return row


def _row(job_id: UUID, delivery_no: int, state: str, tries: list[Any], **rest: Any) -> DeliveryRow:
    return DeliveryRow(
        key=DeliveryKey(job_id=job_id, delivery_no=delivery_no),
        state=DeliveryState(state),
        tries=msgspec.convert(tries, tuple[DeliveryTry, ...]),
        **rest,
    )
