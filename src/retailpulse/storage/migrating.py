"""Brings the schema to the version of this program, by alembic.

Safe when several processes start at once: an advisory lock lets one work while the others wait.
"""

from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from retailpulse.domain.errors import DatabaseError, SchemaTooNew
from retailpulse.storage.database import translated

OLDEST_SERVER = 140_000
_LOCK = 7_236_001  # any number that nothing else in the database locks


def migrate(url: str) -> tuple[str | None, str]:
    """Migrates the database at `url`; returns the schema's version before and after.

    Raises SchemaTooNew where a newer program migrated it, DatabaseError where the server is too old,
    DatabaseUnavailable where it cannot be reached.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(url), poolclass=NullPool)
    with translated(), _connect(url) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # until this session ends
        with engine.connect() as connection:
            return _upgrade(connection)


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, connect_timeout=5)


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    server = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    if server < OLDEST_SERVER:
        raise DatabaseError(f"PostgreSQL {server // 10_000} is too old: 14 or newer is needed")
    configuration = Config()
    configuration.set_main_option(
        "script_location", str(files("retailpulse.storage") / "migrations").replace("%", "%%")
    )
    scripts = ScriptDirectory.from_config(configuration)
    newest = str(scripts.get_current_head())
    before = MigrationContext.configure(connection).get_current_revision()
    if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaTooNew(
            f"the database has schema {before}, this program knows up to {newest}: "
            "it was migrated by a newer retailpulse. Install that version, or restore an older backup."
        )
    if before != newest:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        connection.commit()
    return before, newest
