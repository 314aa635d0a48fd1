"""What happens at one address: the trick's counts, its connections, and one request on one of them.

Only the origin's own thread writes here; the counts may be read from any thread.
"""

import asyncio
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an address has seen so far; `open` and `busy` are connections and requests of this moment."""

    connections: int = 0
    open: int = 0
    requests: int = 0
    busy: int = 0
    most_busy: int = 0
    bytes_sent: int = 0


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How many requests a second the rate-limited host takes, and what it tells who asks for more."""

    per_second: int = 5
    retry_after_seconds: int | None = None


class Stage:
    """The counts of one address."""

    def __init__(self, name: str, rate: Rate, changed: threading.Condition) -> None:
        self.name = name
        self.rate = rate
        self._changed = changed
        self._counts: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._taken_at: deque[float] = deque()

    @property
    def seen(self) -> Seen:
        """The counts of this moment."""
        return Seen(**self._counts)

    def opened(self) -> None:
        """A connection came in."""
        self._add(connections=1, open=1)

    def closed(self) -> None:
        """A connection ended, whoever ended it."""
        self._add(open=-1)

    def began(self, path: str) -> int:
        """A request came in; says how often this path was asked for by now."""
        self._asked[path] += 1
        self._add(requests=1, busy=1)
        return self._asked[path]

    def ended(self) -> None:
        """A request was answered, or never will be."""
        self._add(busy=-1)

    def sent(self, size_bytes: int) -> None:
        """Bytes were handed to the system, headers and encryption not told apart."""
        self._add(bytes_sent=size_bytes)

    def is_over_rate(self) -> bool:
        """Whether the last second has had its requests; where not, one more is taken."""
        now = asyncio.get_running_loop().time()
        while self._taken_at and self._taken_at[0] <= now - 1:
            self._taken_at.popleft()
        if len(self._taken_at) >= self.rate.per_second:
            return True
        self._taken_at.append(now)
        return False

    def _add(self, **counts: int) -> None:
        with self._changed:
            self._counts.update(counts)
            self._counts["most_busy"] = max(self._counts["most_busy"], self._counts["busy"])
            self._changed.notify_all()


class Line:
    """One connection, which can also be used as no server should."""

    def __init__(self, stage: Stage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.stage = stage
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes as they are; waits while the client does not take them, and gives others their turn."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)
        self.stage.sent(len(data))

    async def receive(self) -> bytes:
        """The next bytes of the client, none where it has left."""
        return await self._reader.read(65_536)

    async def read_head(self) -> bytes:
        """The head of the next request, or nothing where none comes."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return b""

    async def hang(self) -> None:
        """Say nothing until the client leaves."""
        while await self.receive():
            pass

    def reset(self) -> None:
        """End the connection with a reset instead of a close."""
        dialled: socket.socket = self.writer.get_extra_info("socket")
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Visit:
    """One HTTP/1.1 request and the line to answer it on; `stays` keeps the line open for the next one."""

    def __init__(
        self, line: Line, head: tuple[str, Mapping[str, str]], number: int, url_of: Callable[[str, str], str]
    ) -> None:
        self.line = line
        self.stage = line.stage
        self.path, self.headers = head
        self.number = number
        self.url_of = url_of
        self.stays = False

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.line.send(data)


def parsed_head(head: bytes) -> tuple[str, dict[str, str]] | None:
    """Path and headers of a request, the names in lower case, or None where it is none."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    pairs = (line.partition(":") for line in lines if line)
    return words[1], {name.lower(): value.strip() for name, _, value in pairs}
