"""The roles of the embedded database: one owns the tables, one uses them, and the superuser cannot log in.

Made at the first start, also of data from before there were roles. What only a superuser may do needs
`postgres --single` from then on. A PostgreSQL of the user's own has the roles that its owner gave it.
"""

import contextlib

import psycopg
from psycopg import sql

from retailpulse.storage.postgres.database import translated

OWNER = "retailpulse_owner"
"""Owns the database and all in it: migrates, dumps, restores."""
APPLICATION = "retailpulse_app"
"""What the API, the workers and most commands are: reads and writes rows."""
SUPERUSER = "postgres"

# In one transaction: a kill on the way leaves it as it was. Each statement may be run again.
_MAKE = sql.SQL("""
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {owner_name}) THEN
        CREATE ROLE {owner} LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {application_name}) THEN
        CREATE ROLE {application} LOGIN;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO {owner}', current_database());
END
$do$;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, USAGE ON SEQUENCES TO {application};
""")

# What the superuser made in the schema `public`, before there were roles. Indexes, sequences of columns and
# triggers go with their tables; what belongs to an extension stays.
_HAND_OVER = sql.SQL("""
DO $do$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO {owner}', nspname)
        FROM pg_namespace WHERE nspname = 'public' AND nspowner = {superuser_name}::regrole
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO {owner}',
            CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relowner = {superuser_name}::regrole
          AND relkind IN ('r', 'p', 'v', 'm', 'S')
          AND NOT EXISTS (SELECT FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO {owner}', p.oid::regprocedure)
        FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace AND proowner = {superuser_name}::regrole
          AND NOT EXISTS (SELECT FROM pg_depend d
              WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO {owner}', t.oid::regtype)
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE typnamespace = 'public'::regnamespace AND typowner = {superuser_name}::regrole
          AND (typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
    LOOP
        EXECUTE statement;
    END LOOP;
END
$do$;
GRANT USAGE ON SCHEMA public TO {application};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {application};
GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO {application};
ALTER ROLE {superuser} NOLOGIN;
""")


def set_up_roles(url_of_owner: str, url_of_superuser: str) -> None:
    """Makes the roles if they are missing, and hands them what the superuser has.

    Raises DatabaseUnavailable if neither role is let in.
    """
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url_of_owner, connect_timeout=5):
        return
    names = {
        "owner": sql.Identifier(OWNER),
        "owner_name": sql.Literal(OWNER),
        "application": sql.Identifier(APPLICATION),
        "application_name": sql.Literal(APPLICATION),
        "superuser": sql.Identifier(SUPERUSER),
        "superuser_name": sql.Literal(SUPERUSER),
    }
    with translated(), psycopg.connect(url_of_superuser, connect_timeout=5) as connection:
        connection.execute(_MAKE.format(**names))
        connection.execute(_HAND_OVER.format(**names))
