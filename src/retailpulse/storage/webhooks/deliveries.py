"""Deliveries: taken by one worker at a time, logged try by try, tried again when their time comes.

They are written by a trigger in the transaction that ends a job (migration 0007). The row is all there is of
a delivery: taking it moves the time of the next try past the end of this one, so a worker that dies is
followed by another.
Weak: a receiver may get a callback twice, with the same id, if a worker dies between the post and its log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import kwargs_row

from retailpulse.domain.callbacks import DeliveryKey, DeliveryState
from retailpulse.schema import DeliveryTry
from retailpulse.storage.jobs.read import JOB_COLUMNS, JobRow, job_cursor
from retailpulse.storage.postgres.database import Connection

MOST_TRIES_KEPT = 100
"""The log of a delivery holds its last tries."""

WITHOUT_DELIVERY = sql.SQL("""
    FROM jobs j
    WHERE j.status <> 'ongoing' AND j.callback_url IS NOT NULL AND NOT EXISTS (
        SELECT FROM deliveries d
        WHERE d.job_id = j.job_id AND coalesce(d.ended_at >= j.finished_at, true))
""")
"""Ended jobs whose receiver would never be told, as the end of a statement."""

# One receiver gets a share of what a worker does at once: with those that are with the worker already.
_LEASE = """
    WITH busy AS (SELECT * FROM unnest(%(receivers)s::text[], %(counts)s::int[]) busy (receiver, count)),
    due AS MATERIALIZED (
        SELECT job_id, delivery_no, receiver, next_try_at FROM deliveries
        WHERE state = 'pending' AND next_try_at <= now()
          AND receiver <> ALL(SELECT receiver FROM busy WHERE count >= %(share)s)
        ORDER BY next_try_at LIMIT %(room)s
        FOR UPDATE SKIP LOCKED),
    placed AS MATERIALIZED (
        SELECT job_id, delivery_no, coalesce(count, 0)
            + row_number() OVER (PARTITION BY receiver ORDER BY next_try_at) AS place
        FROM due LEFT JOIN busy USING (receiver))
    UPDATE deliveries d SET next_try_at = now() + make_interval(secs => %(seconds)s)
    FROM placed p
    WHERE d.job_id = p.job_id AND d.delivery_no = p.delivery_no AND place <= %(share)s
    RETURNING d.job_id, d.delivery_no, d.url, d.receiver, d.failures, d.pending_since,
        extract(epoch FROM now() - d.pending_since)::float8 AS pending_seconds, clock_timestamp() AS now
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
OVERDUE = """
    SELECT extract(epoch FROM now() - next_try_at)::float8 FROM deliveries
    WHERE state = 'pending' AND next_try_at <= now() ORDER BY next_try_at LIMIT 1
"""
"""The first entry of the index of what is pending, if it is due."""
_HAND_BACK = """
    UPDATE deliveries SET next_try_at = now()
    WHERE job_id = %(job_id)s AND delivery_no = %(delivery_no)s AND state = 'pending'
      AND pending_since = %(pending_since)s AND failures = %(failures)s
"""
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


async def lease_due(
    connection: Connection, busy: Mapping[str, int], *, room: int, share: int, seconds: float
) -> list[Due]:
    """Reserves deliveries that are due for `seconds`: at most `room`, the longest due first.

    A receiver gets at most `share`, with those that `busy` counts already. What another worker is taking at
    this moment is left out.
    """
    cursor = connection.cursor(row_factory=kwargs_row(_due))
    parameters = {
        "receivers": list(busy),
        "counts": list(busy.values()),
        "share": share,
        "room": room,
        "seconds": seconds,
    }
    await cursor.execute(_LEASE, parameters)
    return await cursor.fetchall()


async def read_overdue_seconds(connection: Connection) -> float:
    """For how long the delivery that was due first waits for its try; 0 if none is due."""
    cursor = await connection.execute(OVERDUE)
    found = await cursor.fetchone()
    return 0.0 if found is None else float(found[0])


def _due(job_id: UUID, delivery_no: int, **rest: Any) -> Due:
    return Due(key=DeliveryKey(job_id=job_id, delivery_no=delivery_no), **rest)


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


async def read_page(connection: Connection, job_id: UUID, after: int, limit: int) -> list[DeliveryRow]:
    """The deliveries of a job after a number, the first end first."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_PAGE, [job_id, after, limit])
    return await cursor.fetchall()


async def send_again(connection: Connection, job_id: UUID) -> DeliveryRow | None:
    """Has the delivery of a job's last end tried again from now on, whatever came of it; None for none."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_SEND_AGAIN, {"job_id": job_id})
    return await cursor.fetchone()


def _row(job_id: UUID, delivery_no: int, state: str, tries: list[Any], **rest: Any) -> DeliveryRow:
    return DeliveryRow(
        key=DeliveryKey(job_id=job_id, delivery_no=delivery_no),
        state=DeliveryState(state),
        tries=msgspec.convert(tries, tuple[DeliveryTry, ...]),
        **rest,
    )
