"""Who looks at live pages, and whether they still may: asked for all of them at once."""

import asyncio
from collections.abc import Collection

from litestar.types import HTTPScope

from retailpulse.service import ApiKeys, Sessions
from retailpulse.web.caller import key_of
from retailpulse.web.middleware.authentication import ApiKeyCache
from retailpulse.web.session_cookie import read_cookie


class Viewer:
    """One open tab: what it has seen, and with what it was let in."""

    __slots__ = ("is_over", "key_id", "seen", "session", "wake")

    def __init__(self, *, key_id: str | None, session: str | None) -> None:
        self.key_id = key_id
        self.session = session
        self.seen = 0
        self.is_over = False
        self.wake = asyncio.Event()

    def end(self) -> None:
        """Ends the stream of this tab."""
        self.is_over = True
        self.wake.set()


def viewer_of(scope: HTTPScope) -> Viewer:
    """The viewer that sends a request which was let in."""
    by_header = any(name == b"authorization" for name, _ in scope["headers"])
    key_id = key_of(scope)
    session = read_cookie(scope) if key_id is not None and not by_header else None
    return Viewer(key_id=key_id, session=session)


class ViewerCheck:
    """Tells which viewers may not look any more: their session has ended, or their key, or keys were made."""

    def __init__(self, sessions: Sessions, keys: ApiKeys, api_keys: ApiKeyCache) -> None:
        self._sessions = sessions
        self._keys = keys
        self._api_keys = api_keys

    async def refused(self, viewers: Collection[Viewer]) -> list[Viewer]:
        """Those of them who may not look any more; raises DatabaseUnavailable or Busy."""
        held = {viewer.session for viewer in viewers if viewer.session is not None}
        keys = {viewer.key_id for viewer in viewers if viewer.key_id is not None}
        going_on = await self._sessions.which_go_on(held) if held else set()
        valid = await self._keys.which_are_valid(keys) if keys else set()
        is_open = self._api_keys.is_open

        def may_look(viewer: Viewer) -> bool:
            if viewer.key_id is None:
                return is_open
            return viewer.key_id in valid and (viewer.session is None or viewer.session in going_on)

        return [viewer for viewer in viewers if not may_look(viewer)]
