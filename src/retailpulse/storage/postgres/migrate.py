"""Brings the schema to the version of this program.

Safe when several processes start at once: an advisory lock lets one work while the others wait.
"""

import psycopg

from retailpulse.domain.errors import DatabaseError, SchemaTooNew
from retailpulse.storage import locks
from retailpulse.storage.postgres.connecting import connection_options
from retailpulse.storage.postgres.database import translated, versions

OLDEST_SERVER = 140_000


def migrate(url: str) -> tuple[str | None, str]:
    """Migrates the database at `url`; returns the schema's version before and after.

    Raises SchemaTooNew if a newer program migrated it, DatabaseError if the server is too old or lets
    us make no tables,
    DatabaseUnavailable if it cannot be reached, or the role lacks a right.
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
            _check_rights(lock)
            # Loaded only here: it takes longer than all else that a start does.
            from retailpulse.storage.postgres.alembic_runner import upgrade

            upgrade(lambda: _connect(url))
        return before, newest


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, **connection_options(url))


def _check_server(connection: psycopg.Connection) -> None:
    server = connection.info.server_version
    if server < OLDEST_SERVER:
        raise DatabaseError(f"PostgreSQL {server // 10_000} is too old: 14 or newer is needed")


def _check_rights(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT current_user, current_setting('search_path'), current_schema(),"
        " has_schema_privilege(current_schema(), 'CREATE')"
    ).fetchall()
    ((role, search_path, schema, may_create),) = found
    if schema is None:
        raise DatabaseError(
            f"the role {role} finds no schema that it may use by the search_path {search_path}: let the "
            f"database's owner run CREATE SCHEMA name AUTHORIZATION {role}, with the name that the URL says"
        )
    if not may_create:
        raise DatabaseError(
            f"the role {role} may not make tables in the schema {schema}: let its owner run "
            f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}, or name another schema by "
            "?options=-csearch_path%3Dname at the end of the URL"
        )


def _version(connection: psycopg.Connection) -> str | None:
    exists = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if exists != (True,):
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])
