"""Sessions of browsers: begun with an API key, found by what the browser holds, ended."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from retailpulse.storage import sessions
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

LIFETIME = timedelta(hours=12)
"""How long a browser stays signed in: a day's work."""
FIND_SECONDS = 1.5
"""How long a request may wait for the session that it names."""
_MOST_CHARACTERS = 100


class Sessions:
    """Sessions over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, key_id: str) -> str:
        """Signs a browser in with a key; returns what it is to hold: 256 random bits."""
        held = secrets.token_urlsafe(32)
        async with self._database.transaction(share=Share.VITAL) as connection:
            await sessions.insert_session(connection, _digest(held), key_id, LIFETIME)
        return held

    async def find_key_id(self, held: str) -> str | None:
        """The key of the session that a browser names; None if there is none, or it has ended."""
        if len(held) > _MOST_CHARACTERS:
            return None
        async with self._database.connection(share=Share.VITAL, timeout_seconds=FIND_SECONDS) as connection:
            return await sessions.find_key_id(connection, _digest(held))

    async def which_go_on(self, held: Collection[str]) -> set[str]:
        """Those of the sessions that some browsers hold that have not ended."""
        by_digest = {_digest(one): one for one in held}
        async with self._database.connection(share=Share.VITAL, timeout_seconds=FIND_SECONDS) as connection:
            return {by_digest[digest] for digest in await sessions.which_go_on(connection, by_digest)}

    async def end(self, held: str) -> None:
        """Signs a browser out."""
        async with self._database.transaction(share=Share.VITAL) as connection:
            await sessions.delete_session(connection, _digest(held))


def _digest(held: str) -> bytes:
    return hashlib.sha256(held.encode("utf-8", "replace")).digest()
