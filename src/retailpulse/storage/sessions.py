"""Sessions of browsers that have signed in: made, found, ended; expired ones go as others are made."""

from collections.abc import Iterable
from datetime import timedelta

from retailpulse.storage.postgres.database import Connection

_PRUNED_AT_ONCE = 100

_INSERT = """
    WITH old AS (
        DELETE FROM sessions WHERE session_sha256 IN (
            SELECT session_sha256 FROM sessions WHERE expires_at < now()
            ORDER BY expires_at LIMIT %(most)s FOR UPDATE SKIP LOCKED))
    INSERT INTO sessions (session_sha256, key_id, expires_at)
    VALUES (%(session)s, %(key_id)s, now() + %(lifetime)s)
"""


async def insert_session(
    connection: Connection, session_sha256: bytes, key_id: str, lifetime: timedelta
) -> None:
    """Keeps a new session of a key."""
    values = {"session": session_sha256, "key_id": key_id, "lifetime": lifetime, "most": _PRUNED_AT_ONCE}
    await connection.execute(_INSERT, values)


async def find_key_id(connection: Connection, session_sha256: bytes) -> str | None:
    """The key of a session that goes on."""
    cursor = await connection.execute(
        "SELECT key_id FROM sessions WHERE session_sha256 = %s AND expires_at > now()", [session_sha256]
    )
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def which_go_on(connection: Connection, session_sha256s: Iterable[bytes]) -> set[bytes]:
    """Those of some sessions that have not ended."""
    cursor = await connection.execute(
        "SELECT session_sha256 FROM sessions WHERE session_sha256 = ANY(%s) AND expires_at > now()",
        [list(session_sha256s)],
    )
    return {bytes(session) for (session,) in await cursor.fetchall()}


async def delete_session(connection: Connection, session_sha256: bytes) -> None:
    """Ends a session."""
    await connection.execute("DELETE FROM sessions WHERE session_sha256 = %s", [session_sha256])
