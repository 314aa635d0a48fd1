"""How large the database is, and how many connections its server has of those that it allows.

Weak: the size is asked of the file system, so its cost grows with the files of the tables, one for each GB.
"""

from dataclasses import dataclass

from retailpulse.storage.postgres.database import Connection

_READ = """
    SELECT pg_database_size(current_database()),
        (SELECT sum(numbackends) FROM pg_stat_database)::bigint,
        current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSize:
    """The size of the database in bytes, and the connections of its server."""

    size_bytes: int
    connections: int
    max_connections: int


async def read_size(connection: Connection) -> DatabaseSize:
    """How large the database is now, and how many are connected to its server."""
    cursor = await connection.execute(_READ)
    ((size_bytes, connections, max_connections),) = await cursor.fetchall()
    return DatabaseSize(size_bytes=size_bytes, connections=connections, max_connections=max_connections)
