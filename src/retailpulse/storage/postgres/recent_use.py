"""Knows which connections answered a moment ago, so that a busy pool need not ask each before each use."""

import asyncio
import select
from weakref import WeakKeyDictionary

from retailpulse.storage.postgres.connecting import Connection

_RECENT_SECONDS = 0.1
"""Short: a connection that was cut without a word is used once more if it happened since."""


class RecentUse:
    """When each connection of a pool answered last."""

    def __init__(self) -> None:
        self._answered_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def note(self, connection: Connection) -> None:
        """The server has just answered on a connection."""
        self._answered_at[connection] = asyncio.get_running_loop().time()

    def is_alive(self, connection: Connection) -> bool:
        """Whether it answered a moment ago, and its server has sent nothing since, not even its end."""
        answered_at = self._answered_at.get(connection, float("-inf"))
        if asyncio.get_running_loop().time() - answered_at > _RECENT_SECONDS or connection.closed:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0)
