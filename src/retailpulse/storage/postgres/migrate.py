"""Brings the schema to the version of this program.

Safe when several processes start at once: an advisory lock lets one work while the others wait.
"""

import psycopg

from retailpulse.domain.errors import DatabaseError, SchemaTooNew
from retailpulse.storage import locks
from retailpulse.storage.postgres.database import translated, versions

OLDEST_SERVER = 140_000


def migrate(url: str) -> tuple[str | None, str]:
    """Migrates the database at `url`; returns the schema's version before and after.

    Raises SchemaTooNew if a newer program migrated it, DatabaseError if the server is too old,
    DatabaseUnavailable if it cannot be reached.
    """
    with translated(), _connect(url) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])  # until this session ends
        _check_server(lock)
        before, newest = _version(lock), versions()[-1]
        if before not in {None, *versions()}:
            raise SchemaTooNew(
                f"the database has schema {before}, this program knows up to {newest}: "
                "it was migrated by a newer retailpulse. Install that version, or restore an older backup."
            )
        if before != newest:
            # Loaded only here: it takes longer than all else that a start does.
            from retailpulse.storage.postgres.alembic_runner import upgrade

            upgrade(lambda: _connect(url))
        return before, newest


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, connect_timeout=5)


def _check_server(connection: psycopg.Connection) -> None:
    server = connection.info.server_version
    if server < OLDEST_SERVER:
        raise DatabaseError(f"PostgreSQL {server // 10_000} is too old: 14 or newer is needed")


def _version(connection: psycopg.Connection) -> str | None:
    exists = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if exists != (True,):
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])
