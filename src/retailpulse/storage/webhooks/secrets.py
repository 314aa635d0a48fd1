"""The secrets that sign callbacks: one from the first migration on, and for a while those it has replaced."""

from dataclasses import dataclass
from datetime import datetime

from retailpulse.storage.postgres.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A secret; `retires_at` is None for the current one."""

    text: str
    made_at: datetime
    retires_at: datetime | None


async def signing(connection: Connection) -> list[Secret]:
    """The secrets that sign now, the current one first."""
    cursor = await connection.execute(
        """
        SELECT secret, made_at, retires_at FROM callback_secrets
        WHERE retires_at IS NULL OR retires_at > now()
        ORDER BY retires_at DESC NULLS FIRST, made_at DESC
        """
    )
    return [
        Secret(text=text, made_at=made_at, retires_at=retires_at)
        for text, made_at, retires_at in await cursor.fetchall()
    ]


async def rotate(connection: Connection, secret: str, overlap_seconds: float) -> None:
    """Makes a secret the current one; those before it sign too for so long at most."""
    await connection.execute("LOCK TABLE callback_secrets IN EXCLUSIVE MODE")
    await connection.execute("DELETE FROM callback_secrets WHERE retires_at <= now()")
    await connection.execute(
        "UPDATE callback_secrets SET retires_at = least(retires_at, now() + make_interval(secs => %s))",
        [overlap_seconds],
    )
    await connection.execute("INSERT INTO callback_secrets (secret) VALUES (%s)", [secret])
