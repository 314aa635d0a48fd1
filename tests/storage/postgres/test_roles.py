"""The roles of the embedded database: what the application may not do, and data from before there were."""

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.postgres.roles import APPLICATION, OWNER, SUPERUSER
from tests.migrated_data import start_migrated
from tests.storage.postgres.test_migrate import upgrade_to
from tests.storage.servers import OthersServer

OWNED_BY_OTHERS = f"""
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relowner <> '{OWNER}'::regrole
    UNION ALL SELECT proname::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proowner <> '{OWNER}'::regrole
    UNION ALL SELECT typname::text FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typowner <> '{OWNER}'::regrole
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of ours with our tables."""
    server = EmbeddedServer(tmp_path_factory.mktemp("roles") / "data")
    try:
        start_migrated(server)
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "COPY stores FROM '/etc/passwd'",
        "COPY stores TO '/tmp/stores'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET shared_preload_libraries = 'x'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'getpid'",
        "CREATE ROLE another SUPERUSER",
        f"SET ROLE {OWNER}",
        f"SET ROLE {SUPERUSER}",
        f"ALTER ROLE {SUPERUSER} LOGIN",
        "CREATE TABLE another ()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
        "ALTER TABLE jobs ADD another int",
        "DROP TABLE jobs",
        "TRUNCATE jobs",
        "DROP SCHEMA public CASCADE",
        "DROP DATABASE postgres",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_application_reads_and_writes_rows_and_does_nothing_else(
    server: EmbeddedServer, statement: LiteralString
) -> None:
    with (
        psycopg.connect(server.url(), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_what_is_no_file_of_the_schema_is_owned_by_the_owner_and_used_by_the_application(
    server: EmbeddedServer,
) -> None:
    with psycopg.connect(server.url()) as connection:
        assert connection.execute(OWNED_BY_OTHERS).fetchall() == []
        tables = connection.execute("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND"
            " relnamespace = 'public'::regnamespace AND NOT (has_table_privilege(oid, 'SELECT')"
            " AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')"
            " AND has_table_privilege(oid, 'DELETE'))").fetchall()  # fmt: skip
        assert tables == []


@pytest.mark.parametrize("role", [OWNER, APPLICATION])
def test_no_role_that_can_log_in_is_more_than_an_ordinary_one(server: EmbeddedServer, role: str) -> None:
    with psycopg.connect(server._url(role)) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert found == (False,) * 5


def test_the_superuser_is_not_let_in(server: EmbeddedServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(server._url(SUPERUSER))


def test_data_from_before_there_were_roles_is_handed_over_at_the_next_start(folder: Path) -> None:
    before = OthersServer(folder / "data")
    try:
        before.start()
        upgrade_to(before.url(), "0010")
        with psycopg.connect(before.url()) as connection:
            connection.execute("INSERT INTO stores VALUES ('S', '1', 'Shop')")
            connection.execute("CREATE SEQUENCE apart; CREATE VIEW seen AS SELECT 1; CREATE DOMAIN d AS int")
            connection.execute("CREATE TYPE pair AS (a int, b int); CREATE TYPE word AS ENUM ('a')")
    finally:
        before.stop()
    server = EmbeddedServer(folder / "data")
    try:
        start_migrated(server)  # the rest of the migrations change tables, which their owner alone may
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT store_id FROM stores").fetchall() == [("S",)]
            connection.execute("DELETE FROM stores")
            connection.execute("INSERT INTO workers DEFAULT VALUES")
            connection.execute("SELECT nextval('apart')")
            assert connection.execute(OWNED_BY_OTHERS).fetchall() == []
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            psycopg.connect(server._url(SUPERUSER))
    finally:
        server.stop()


def test_a_server_that_outlived_its_serve_from_before_is_handed_over_too(folder: Path) -> None:
    before, server = OthersServer(folder / "data"), EmbeddedServer(folder / "data")
    try:
        before.start()  # not `start_migrated`, whose data is as this version makes it
        migrate(before.url())
        start_migrated(server)
        with psycopg.connect(server.url()) as connection:
            assert connection.execute(OWNED_BY_OTHERS).fetchall() == []
    finally:
        server.stop()
        before.stop()
