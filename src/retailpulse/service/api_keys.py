"""The uses of API keys: make one, list them, revoke them, find one that a request names."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from retailpulse.domain.api_keys import ApiKey, Scope, Token, new_token, secret_sha256
from retailpulse.domain.errors import InvalidRequest, NotFound
from retailpulse.storage import api_keys
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

MAX_NAME_CHARACTERS = 200
FIND_SECONDS = 1.5
"""How long a request may wait for the key that it names."""


class ApiKeys:
    """API keys over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, name: str, scopes: Iterable[Scope], lifetime: timedelta | None
    ) -> tuple[Token, ApiKey]:
        """Makes a key; the token is returned only here and stored nowhere. Raises InvalidRequest."""
        if not name.strip() or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
            raise InvalidRequest(f"the name of a key has 1 to {MAX_NAME_CHARACTERS} printable characters")
        if lifetime is not None and lifetime <= timedelta():
            raise InvalidRequest("a key that expires is valid for some time before that")
        token = new_token()
        async with self._database.transaction(share=Share.VITAL) as connection:
            key = await api_keys.insert_key(
                connection,
                key_id=token.key_id,
                name=name,
                secret_sha256=secret_sha256(token.secret),
                scopes=scopes,
                lifetime=lifetime,
            )
        return token, key

    async def all(self) -> list[ApiKey]:
        """All keys that were ever made, the oldest first."""
        async with self._database.connection(share=Share.VITAL) as connection:
            return await api_keys.list_keys(connection)

    async def revoke(self, key_ids: Iterable[str]) -> None:
        """Revokes keys, all or none; raises NotFound if there is no such key."""
        wanted = set(key_ids)
        async with self._database.transaction(share=Share.VITAL) as connection:
            missing = wanted - set(await api_keys.revoke_keys(connection, wanted))
            if missing:
                raise NotFound(f"there is no key {', '.join(sorted(missing))}; nothing is revoked")

    async def forget(self) -> int:
        """Deletes all keys, as if none had ever been made; how many there were."""
        async with self._database.transaction(share=Share.VITAL) as connection:
            return await api_keys.delete_keys(connection)

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id, in whatever state."""
        async with self._database.connection(share=Share.VITAL, timeout_seconds=FIND_SECONDS) as connection:
            return await api_keys.find_key(connection, key_id)

    async def which_are_valid(self, key_ids: Collection[str]) -> set[str]:
        """Those of some keys that may be used."""
        async with self._database.connection(share=Share.VITAL, timeout_seconds=FIND_SECONDS) as connection:
            return await api_keys.which_are_valid(connection, key_ids)

    async def were_made(self) -> bool:
        """Whether a key was ever made."""
        async with self._database.connection(share=Share.VITAL, timeout_seconds=FIND_SECONDS) as connection:
            return await api_keys.any_key(connection)

    async def note_uses(self, used_at: Mapping[str, datetime]) -> None:
        """Keeps when keys were last used."""
        async with self._database.transaction(share=Share.VITAL) as connection:
            await api_keys.note_uses(connection, used_at)
