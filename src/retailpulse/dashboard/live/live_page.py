"""A page that is looked at again and again: its parts as they are now, and what is news to each viewer."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from retailpulse.dashboard.live.viewers import Viewer

BEAT_SECONDS = 10.0
"""How long a page may stay the same before its viewers are told that it was looked at."""
LOOKS_LOST = 2
"""So many looks in a row must fail until viewers hear of it: one may fail because much is asked for."""
TOLD_AT_ONCE = 50
"""Viewers that are told in one turn of the event loop, which other requests wait for."""


class LivePage:
    """The parts of a page; each has the number of the look that changed it last."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        self.viewers: set[Viewer] = set()
        self._look = 1
        self._parts = {name: (text, self._look) for name, text in parts.items()}
        self._at = datetime.now(UTC)
        self._told_at = self._at
        self._looks_lost = 0
        self._messages: dict[int, bytes] = {}

    @property
    def has_something(self) -> bool:
        """Whether there is anything to tell a new viewer."""
        return bool(self._parts) or self._is_away

    def update(self, parts: Mapping[str, str]) -> bool:
        """Takes in what a look has shown; whether the viewers should be told."""
        self._look += 1
        self._at = datetime.now(UTC)
        before = self._parts
        self._parts = {name: self._changed(before.get(name), text) for name, text in parts.items()}
        is_new = self._is_away or any(look == self._look for _, look in self._parts.values())
        self._looks_lost = 0
        self._messages.clear()
        return is_new or (self._at - self._told_at).total_seconds() >= BEAT_SECONDS

    def lose(self) -> bool:
        """Takes in that the page cannot be made now; whether the viewers should be told."""
        self._looks_lost += 1
        self._messages.clear()
        is_late = (datetime.now(UTC) - self._told_at).total_seconds() >= BEAT_SECONDS
        return self._looks_lost == LOOKS_LOST or (self._is_away and is_late)

    async def notify(self) -> None:
        """Wakes the viewers, some at a time."""
        self._told_at = datetime.now(UTC)
        for number, viewer in enumerate(list(self.viewers), start=1):
            viewer.wake.set()
            if number % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    def end(self) -> None:
        """Ends the streams of all viewers."""
        for viewer in self.viewers:
            viewer.end()

    def message_to(self, viewer: Viewer) -> bytes:
        """An event with the parts that the viewer has not seen, and when they were looked at."""
        seen, viewer.seen = viewer.seen, self._look
        message = self._messages.get(seen)
        if message is None:
            news = {name: text for name, (text, look) in self._parts.items() if look > seen}
            told = {"at": f"{self._at:%H:%M:%S}", "away": self._is_away, "parts": news}
            message = self._messages[seen] = b"data: " + msgspec.json.encode(told) + b"\n\n"
        return message

    @property
    def _is_away(self) -> bool:
        return self._looks_lost >= LOOKS_LOST

    def _changed(self, before: tuple[str, int] | None, text: str) -> tuple[str, int]:
        return before if before is not None and before[0] == text else (text, self._look)
