"""API keys: made, listed, revoked, found by id. A revoked one stays: it tells that keys were made."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from retailpulse.domain.api_keys import ApiKey, KeyState, Scope
from retailpulse.storage.postgres.database import Connection

_COLUMNS = sql.SQL("""
    key_id, name, scopes, created_at, expires_at, revoked_at, last_used_at, secret_sha256,
    CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
         WHEN expires_at <= now() THEN 'expired' ELSE 'valid' END AS state
""")
_INSERT = sql.SQL("""
    INSERT INTO api_keys (key_id, name, secret_sha256, scopes, expires_at)
    VALUES (%s, %s, %s, %s, now() + %s) RETURNING {columns}
""").format(columns=_COLUMNS)
_FIND = sql.SQL("SELECT {columns} FROM api_keys WHERE key_id = %s").format(columns=_COLUMNS)
_LIST = sql.SQL("SELECT {columns} FROM api_keys ORDER BY created_at, key_id").format(columns=_COLUMNS)


async def insert_key(
    connection: Connection,
    *,
    key_id: str,
    name: str,
    secret_sha256: bytes,
    scopes: Iterable[Scope],
    lifetime: timedelta | None,
) -> ApiKey:
    """Keeps a new key; without a lifetime it never expires."""
    cursor = await connection.execute(_INSERT, [key_id, name, secret_sha256, sorted(scopes), lifetime])
    (row,) = await cursor.fetchall()
    return _key(row)


async def find_key(connection: Connection, key_id: str) -> ApiKey | None:
    """The key with this id, in whatever state."""
    cursor = await connection.execute(_FIND, [key_id])
    row = await cursor.fetchone()
    return _key(row) if row else None


async def which_are_valid(connection: Connection, key_ids: Iterable[str]) -> set[str]:
    """Those of some keys that may be used."""
    cursor = await connection.execute(
        """
        SELECT key_id FROM api_keys
        WHERE key_id = ANY(%s) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        """,
        [list(key_ids)],
    )
    return {str(key_id) for (key_id,) in await cursor.fetchall()}


async def list_keys(connection: Connection) -> list[ApiKey]:
    """All keys that were ever made, the oldest first."""
    cursor = await connection.execute(_LIST)
    return [_key(row) for row in await cursor.fetchall()]


async def any_key(connection: Connection) -> bool:
    """Whether a key was ever made."""
    cursor = await connection.execute("SELECT EXISTS (SELECT FROM api_keys)")
    return await cursor.fetchone() == (True,)


async def revoke_keys(connection: Connection, key_ids: Iterable[str]) -> list[str]:
    """Revokes keys; the ids of those that exist. One that is revoked already stays as it is."""
    cursor = await connection.execute(
        """
        UPDATE api_keys SET revoked_at = COALESCE(revoked_at, now()) WHERE key_id = ANY(%s) RETURNING key_id
        """,
        [list(key_ids)],
    )
    return [str(key_id) for (key_id,) in await cursor.fetchall()]


async def delete_keys(connection: Connection) -> int:
    """Deletes all keys, as if none had ever been made; how many there were."""
    return (await connection.execute("DELETE FROM api_keys")).rowcount


async def note_uses(connection: Connection, used_at: Mapping[str, datetime]) -> None:
    """Keeps when keys were last used; several processes may say so, and the latest time stays."""
    await connection.execute(
        """
        UPDATE api_keys SET last_used_at = GREATEST(last_used_at, used.at)
        FROM unnest(%s::text[], %s::timestamptz[]) AS used (key_id, at)
        WHERE api_keys.key_id = used.key_id
        """,
        [list(used_at), list(used_at.values())],
    )


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_id, name, scopes, created_at, expires_at, revoked_at, last_used_at, secret_sha256, state = row
    return ApiKey(
        key_id=key_id,
        name=name,
        scopes=frozenset(Scope(scope) for scope in scopes),
        state=KeyState(state),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
        secret_sha256=bytes(secret_sha256),
    )
