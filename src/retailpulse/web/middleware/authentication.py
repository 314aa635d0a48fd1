"""What an API process knows about keys: whether any is needed, and which it has seen valid a moment ago.

A request with a key costs a look into a dictionary and one SHA-256; the database is asked once a second and
key. So a revocation, like an end by date, acts within about a second on every process.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

from retailpulse.concurrency.periodic import periodic
from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.domain.api_keys import ApiKey, KeyState, parse_token
from retailpulse.domain.errors import DatabaseError, DatabaseUnavailable
from retailpulse.service import ApiKeys, Sessions
from retailpulse.web.errors import Unauthenticated

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How old what is known of a key may be."""
NOTE_SECONDS = 10.0
"""How often the times of last use are written."""
MOST_KNOWN = 10_000
HINT = "send Authorization: Bearer rp_..."


class ApiKeyCache:
    """The API keys that one API process has looked up, each for a second."""

    def __init__(self, keys: ApiKeys, sessions: Sessions, *, may_be_open: bool) -> None:
        self._keys = keys
        self._sessions = sessions
        self._may_be_open = may_be_open
        self._were_made: bool | None = None
        self._known: TtlCache[str, ApiKey] = TtlCache(MOST_KNOWN)
        self._key_of_session: TtlCache[str, str] = TtlCache(MOST_KNOWN)
        self._looks: SingleFlight[str, ApiKey | None] = SingleFlight()
        self._used_at: dict[str, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether everybody may do everything, since it is known that no key was ever made."""
        return self._may_be_open and self._were_made is False

    async def verify(self, authorization: bytes | None, *, may_look: bool = True) -> ApiKey:
        """The key that a header names; raises Unauthenticated, or DatabaseUnavailable.

        `may_look`: whether the database may be asked for a key that was not seen here before.
        """
        self._check_known()
        if authorization is None:
            raise Unauthenticated(f"this service wants an API key; {HINT}", was_sent=False)
        kind, _, text = authorization.partition(b" ")
        token = parse_token(text.strip().decode("latin-1")) if kind.lower() == b"bearer" else None
        key = None
        if token is not None and (may_look or token.key_id in self._known):
            key = await self._find(token.key_id)
        if token is None or key is None or not key.has_secret(token.secret):
            raise Unauthenticated(f"the API key is not valid; {HINT}", was_sent=True)
        return self._used(key)  # only a client with its secret is told its state

    async def verify_session(self, held: str) -> ApiKey:
        """The key with which a browser has signed in; raises Unauthenticated, or DatabaseUnavailable."""
        self._check_known()
        key_id = self._key_of_session.get(held)
        if key_id is None:
            until = time.monotonic() + LOOK_SECONDS
            key_id = await self._sessions.find_key_id(held)
            if key_id is not None:
                self._key_of_session.put(held, key_id, until=until)
        key = None if key_id is None else await self._find(key_id)
        if key is None:
            raise Unauthenticated("the session has ended; sign in again", was_sent=True)
        return self._used(key)

    def _check_known(self) -> None:
        if self._may_be_open and self._were_made is None:
            raise DatabaseUnavailable("whether API keys were made is not known yet")

    def _used(self, key: ApiKey) -> ApiKey:
        """A key of which it is noted that it was used; raises Unauthenticated for one that is no more."""
        if key.state is not KeyState.VALID:
            done = "was revoked" if key.state is KeyState.REVOKED else "has expired"
            raise Unauthenticated(
                f"the API key {done}; ask who runs the service for a new one", was_sent=True
            )
        self._used_at[key.key_id] = time.time()
        return key

    async def _find(self, key_id: str) -> ApiKey | None:
        known = self._known.get(key_id)
        return known if known is not None else await self._looks.do(key_id, partial(self._look, key_id))

    async def _look(self, key_id: str) -> ApiKey | None:
        until = time.monotonic() + LOOK_SECONDS
        key = await self._keys.find(key_id)
        if key is None:
            self._known.drop(key_id)
        else:
            self._known.put(key_id, key, until=until)
        return key

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps up to date, while the block runs, whether keys were made, and writes when keys were used."""
        await self._look_for_any()
        keeping = [
            asyncio.create_task(periodic(LOOK_SECONDS, self._look_for_any)),
            asyncio.create_task(periodic(NOTE_SECONDS, self._note)),
        ]
        try:
            yield
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
            await self._note()

    async def _look_for_any(self) -> None:
        """What was known stays while the database is away: no key can be made then either."""
        with contextlib.suppress(DatabaseUnavailable):
            self._were_made = await self._keys.were_made()

    async def _note(self) -> None:
        used_at, self._used_at = self._used_at, {}
        if not used_at:
            return
        try:
            await self._keys.note_uses({key: datetime.fromtimestamp(at, UTC) for key, at in used_at.items()})
        except DatabaseError:
            self._used_at = {**used_at, **self._used_at}
