"""Opens connections to a PostgreSQL as people have it: what its URL says is kept, and sessions are set up by
statements, as a pooler such as pgbouncer refuses options at the start of a connection.

    URL + ours ──> connection ──> set_config(...) once ──> a session as every room expects it
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
SyncConnection = psycopg.Connection[tuple[Any, ...]]

_OPTIONS: Mapping[str, Any] = {
    "application_name": "retailpulse",
    # A peer that went silent is noticed in about 15 s instead of the kernel's two hours.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

_SHARED_SESSION = {"timezone": "UTC"}
"""Of a session that a pooler lends for one transaction: it keeps no other setting apart for each client."""

_SESSION = _SHARED_SESSION | {
    # A client that is frozen or cut off in a transaction loses it, and with it the rows that it holds.
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "15s",
}

_PLANNED_ONCE = {
    # The planner takes a job or a host for as large as those that its statistics have seen. The statements of
    # the scheduling are to be planned once, and by their indexes, whatever these say.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}

_SET_UP_SECONDS = 5.0

_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)"


class LastRefusal:
    """Why the last try to connect failed; None: it succeeded, or there was none."""

    def __init__(self) -> None:
        self.error: psycopg.OperationalError | None = None


class ReportingConnection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection for a pool, which itself tells nobody why it has none."""

    @classmethod
    async def connect(  # type: ignore[override]  # the pool hands on what it was given for it
        cls, conninfo: str = "", *, last_refusal: LastRefusal, **options: Any
    ) -> Self:
        """Connects; leaves in `last_refusal` what came of it."""
        try:
            connection = await super().connect(conninfo, **options)
        except psycopg.OperationalError as error:
            last_refusal.error = error
            raise
        last_refusal.error = None
        return connection


def connection_options(url: str) -> dict[str, Any]:
    """Our options for a connection, without those that the URL names itself."""
    return {name: value for name, value in _OPTIONS.items() if name not in conninfo_to_dict(url)}


async def set_up_session(
    connection: Connection, *, is_shared: bool = False, planned_once: bool = False
) -> None:
    """Sets what every session of ours has, on a connection that commits each statement.

    `is_shared`: a pooler lends the session to other clients between two transactions.
    """
    session = _SHARED_SESSION if is_shared else _SESSION | (_PLANNED_ONCE if planned_once else {})
    await connection.execute(_SET, [list(session), list(session.values())])


async def open_session(url: str, *, planned_once: bool = False) -> Connection:
    """A connection of its own that commits each statement; raises psycopg's errors.

    `planned_once` is for the statements of the scheduling, which no statistics may mislead.
    """
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **connection_options(url))
    try:
        with cut_after(_SET_UP_SECONDS, connection):
            await set_up_session(connection, planned_once=planned_once)
    except BaseException:
        await connection.close()
        raise
    return connection


@contextmanager
def blocking_session(url: str, *, autocommit: bool) -> Iterator[SyncConnection]:
    """The same for code that blocks, closed at the end; raises psycopg's errors."""
    with psycopg.connect(url, autocommit=True, **connection_options(url)) as connection:
        connection.execute(_SET, [list(_SESSION), list(_SESSION.values())])
        connection.autocommit = autocommit
        yield connection


@contextmanager
def cut_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Fails the tasks that still wait for a server after `seconds`.

    A server that is frozen answers no cancellation either. One that wakes up finds its client gone, and
    rolls back.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    with contextlib.suppress(OSError, psycopg.OperationalError):
        line = socket.socket(fileno=os.dup(connection.fileno()))
        with line:
            line.shutdown(socket.SHUT_RDWR)
