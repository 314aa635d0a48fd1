"""The connection pool, and the translation of the driver's errors into ours.

A connection from `connection` commits each statement by itself; `transaction` commits all or nothing.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.errors import CommitUnknown, DatabaseError, DatabaseUnavailable, SchemaTooNew, TooSlow
from retailpulse.storage.postgres import connecting
from retailpulse.storage.postgres.bulkhead import Bulkhead, Share
from retailpulse.storage.postgres.connecting import (
    LastRefusal,
    ReportingConnection,
    connection_options,
    cut_after,
    open_session,
    set_up_session,
)

Connection = connecting.Connection
Pool = AsyncConnectionPool[ReportingConnection]

RECONNECT_SECONDS = 1.0
"""The pool backs off for this long at most: longer, and it is still waiting when the database is back."""

QUERY_TIMEOUT_SECONDS = 30.0
"""A server that has not answered all that is asked on a connection by then is taken for lost."""

_UNAVAILABLE = (
    psycopg.OperationalError,  # also the pool's errors, disk full, out of memory, too many connections
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


def versions() -> list[str]:
    """The versions of the schema that this program knows, the newest last."""
    scripts = files("retailpulse.storage") / "migrations" / "versions"
    return sorted(path.name.partition("_")[0] for path in scripts.iterdir() if path.name[0].isdigit())


def check_version(version: str) -> None:
    """Raises DatabaseError if tables of this version are not this program's."""
    newest = versions()[-1]
    if version < newest:
        raise DatabaseError(
            f"the database has schema {version}, this program needs {newest}: "
            "run `retailpulse migrate` on it first"
        )
    if version > newest:
        raise SchemaTooNew(
            f"the database has schema {version}, this program knows up to {newest}: "
            "it was migrated by a newer retailpulse. Install that version."
        )


def try_to_connect(url: str) -> None:
    """Raises DatabaseUnavailable if the database at `url` does not let us in now."""
    with translated():
        psycopg.connect(url, **connection_options(url)).close()


class Database:
    """A pool of connections to one PostgreSQL; use it as a context, inside a running event loop."""

    def __init__(
        self,
        url: str,
        settings: DatabaseSettings,
        *,
        pool_size: int | None = None,
        is_shared: bool = False,
        outage_log: OutageLog | None = None,
    ) -> None:
        """`is_shared`: connections are shared out among the kinds of work that many clients ask for.

        `outage_log` hears of each error and each success.
        """
        self.url = url
        self.direct_url = settings.direct_url or url
        """For what needs a session of its own, which a pooler does not give at `url`."""
        self._is_pooled = bool(settings.direct_url)
        self._outage_log = outage_log
        self._last_refusal = LastRefusal()
        self._bulkhead = Bulkhead(settings.pool_size, settings.wait_seconds) if is_shared else None
        self._read_seconds = settings.read_seconds
        self._statement_seconds: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self.away_since: datetime | None = None
        """Since when nothing could be asked of it, as far as anybody has tried; None: it answered last."""
        self._check_seconds = settings.wait_seconds / 2
        self.pool: Pool = AsyncConnectionPool(
            url,
            connection_class=ReportingConnection,
            kwargs=self._connection_options(url),
            min_size=1,
            max_size=pool_size or settings.pool_size,
            timeout=settings.wait_seconds,
            reconnect_timeout=RECONNECT_SECONDS,
            configure=self._set_up,
            check=self._check,
            open=False,
            name="retailpulse",
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def dedicated(self, *, planned_once: bool = False) -> AsyncIterator[Connection]:
        """A connection that is no part of the pool, until it is lost: raises DatabaseUnavailable then.

        `planned_once` is for the statements of the scheduling, which no statistics may mislead.
        """
        with translated():
            async with await open_session(self.direct_url, planned_once=planned_once) as connection:
                yield connection

    async def open(self) -> None:
        """Starts connecting, in the background: a database that is away now may come back."""
        await self.pool.open(wait=False)

    async def check_tables(self) -> str:
        """The version of the tables; raises DatabaseError if they are not this program's."""
        async with self.connection(share=Share.VITAL) as connection:
            cursor = await connection.execute("SELECT to_regclass('alembic_version') IS NULL")
            if await cursor.fetchone() == (True,):
                raise DatabaseError("the database has no tables yet; run `retailpulse migrate` on it first")
            cursor = await connection.execute("SELECT version_num FROM alembic_version")
            ((version,),) = await cursor.fetchall()
        check_version(str(version))
        return str(version)

    async def close(self) -> None:
        """Closes every connection."""
        await self.pool.close()

    @asynccontextmanager
    async def connection(
        self,
        *,
        share: Share = Share.OTHER,
        timeout_seconds: float = QUERY_TIMEOUT_SECONDS,
        wait_seconds: float | None = None,
    ) -> AsyncIterator[Connection]:
        """A connection of the pool; raises DatabaseUnavailable if there is none, or no answer, in time.

        Raises Busy if the share has no place within `wait_seconds` (None: as set), and TooSlow if a statement
        of READS takes too long.
        """
        async with self._place(share, wait_seconds) as left_seconds:
            with self._outage_noted(), self._reason_given(), self._ended_in_time(share):
                async with self.pool.connection(left_seconds) as connection, _closed_if_read_only(connection):
                    with cut_after(timeout_seconds, connection):
                        async with self._limited(connection, share):
                            yield connection

    def _place(self, share: Share, wait_seconds: float | None) -> AbstractAsyncContextManager[float | None]:
        if self._bulkhead is None:
            return contextlib.nullcontext(wait_seconds)
        return self._bulkhead.place(share, wait_seconds)

    def _connection_options(self, url: str) -> dict[str, Any]:
        through_pooler = {"prepare_threshold": None} if self._is_pooled else {}
        return connection_options(url) | {"last_refusal": self._last_refusal} | through_pooler

    async def _set_up(self, connection: Connection) -> None:
        await connection.set_autocommit(True)
        with cut_after(self._check_seconds, connection):
            await set_up_session(connection, is_shared=self._is_pooled)

    @asynccontextmanager
    async def _limited(self, connection: Connection, share: Share) -> AsyncIterator[None]:
        """Has the server end statements of reads after a time, and others not."""
        seconds = self._read_seconds if share is Share.READS else 0.0
        if self._bulkhead is None or (self._is_pooled and not seconds):
            yield
        elif self._is_pooled:  # what is set is kept until the end of a transaction alone
            async with connection.transaction():
                await connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds}s"])
                yield
        else:
            if self._statement_seconds.get(connection, 0.0) != seconds:
                await connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{seconds}s"])
                self._statement_seconds[connection] = seconds
            yield

    @contextmanager
    def _outage_noted(self) -> Iterator[None]:
        try:
            yield
        except DatabaseUnavailable as error:
            self.away_since = self.away_since or datetime.now(UTC)
            if self._outage_log is not None:
                self._outage_log.failed(error)
            raise
        else:
            self.away_since = None
            if self._outage_log is not None:
                self._outage_log.ended()

    @contextmanager
    def _reason_given(self) -> Iterator[None]:
        """As `translated`; of a pool without a connection, it says why it has none."""
        with translated():
            try:
                yield
            except PoolTimeout as error:
                raise self._last_refusal.error or error from error

    @contextmanager
    def _ended_in_time(self, share: Share) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            if share is not Share.READS:
                raise
            raise TooSlow(
                f"the database worked on this for {self._read_seconds:g} s and has not found an end; "
                "ask for less, such as a smaller page or a narrower filter, or try again later"
            ) from error

    @asynccontextmanager
    async def transaction(
        self, *, share: Share = Share.OTHER, timeout_seconds: float = QUERY_TIMEOUT_SECONDS
    ) -> AsyncIterator[Connection]:
        """A connection inside a transaction that commits at the end, or rolls back on an error.

        A commit is waited for longer: whether one that was cut off took place is not known. Raises
        CommitUnknown then, which is a DatabaseUnavailable.
        """
        longest = timeout_seconds + QUERY_TIMEOUT_SECONDS
        async with self.connection(share=share, timeout_seconds=longest) as connection:
            with contextlib.ExitStack() as commit, contextlib.ExitStack() as hurry:
                hurry.enter_context(cut_after(timeout_seconds, connection))
                async with connection.transaction():
                    yield connection
                    hurry.close()
                    commit.enter_context(_commit_unknown())

    async def _check(self, connection: Connection) -> None:
        """Raises if a connection is dead, or its server does not answer soon."""
        with cut_after(self._check_seconds, connection):
            await AsyncConnectionPool.check_connection(connection)


@contextmanager
def _commit_unknown() -> Iterator[None]:
    """Raises CommitUnknown if the connection is lost during a commit."""
    try:
        yield
    except _UNAVAILABLE as error:
        if error.sqlstate is not None:  # the server itself says that it failed
            raise
        raise CommitUnknown(
            "the database went away while it was told to keep this, so whether it did is not known; "
            "send it again with the same Idempotency-Key, or look before you repeat it"
        ) from error


@asynccontextmanager
async def _closed_if_read_only(connection: Connection) -> AsyncIterator[None]:
    """Gives up a connection to a server that has become a replica: the next one looks for the primary."""
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction:
        await connection.close()
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's errors that mean "not now" into DatabaseUnavailable, whose text is one line."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise DatabaseUnavailable(f"the database cannot take it now: {_one_line(error)}") from error
    except psycopg.errors.InsufficientPrivilege as error:  # its owner can grant it while we run
        raise DatabaseUnavailable(
            f"the role of the database's URL lacks a right: {_one_line(error)}"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
