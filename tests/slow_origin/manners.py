"""How a slow host treats connections and requests: what it counts of them, and what it does not bear.

Beside the plain host there are `connections:N`, which resets every connection beyond N; `threads:N`, which
has so many threads and keeps its connections alive; `requests:N` and `rate:N`, which answer 429 to requests
beyond N at once or in a second.
Weak: all times are those of one event loop, which shares its core with others.
"""

import asyncio
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing then sends RST in place of FIN."""


class Speaking(Protocol):
    """A connection as its host sees it."""

    transport: asyncio.Transport

    def serve(self) -> None:
        """Answer what it has asked and will ask."""


class HostCount(msgspec.Struct):
    """What one host has seen; `reset` sets back all but what is open now."""

    connections: int = 0
    max_connections: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    requests: int = 0
    answered: int = 0
    refused: int = 0  # answered by 429, or connections that were reset
    aborted: int = 0  # requests whose client closed the connection before the answer

    def reset(self) -> None:
        """Count anew from what is open now."""
        self.max_connections, self.max_in_flight = self.connections, self.in_flight
        self.requests = self.answered = self.refused = self.aborted = 0


@dataclass(kw_only=True, slots=True)
class SlowHost:
    """One plain host, at one address: every connection is served, every request answered."""

    count: HostCount = field(default_factory=HostCount)
    arrivals: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=200_000))

    def opened(self, speaking: Speaking) -> None:
        """A connection is there."""
        self.count.connections += 1
        self.count.max_connections = max(self.count.max_connections, self.count.connections)
        speaking.serve()

    def closed(self, speaking: Speaking) -> None:  # noqa: ARG002 - other kinds need to know which
        """A connection is gone."""
        self.count.connections -= 1

    def admits(self, path: str, now: float) -> bool:
        """A request for a path came in; False where it is to be refused by 429."""
        self.arrivals.append((now, path))
        self.count.requests += 1
        self.count.in_flight += 1
        self.count.max_in_flight = max(self.count.max_in_flight, self.count.in_flight)
        return True


@dataclass(kw_only=True, slots=True)
class FewConnections(SlowHost):
    """Bears so many connections and resets the rest."""

    most: int

    def opened(self, speaking: Speaking) -> None:
        """Serve the connection where it is one of the few."""
        SlowHost.opened(self, speaking)
        if self.count.connections > self.most:
            self.count.refused += 1
            bare: socket.socket = speaking.transport.get_extra_info("socket")
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            speaking.transport.abort()


@dataclass(kw_only=True, slots=True)
class FewThreads(SlowHost):
    """Has so many threads, each of which stays with its connection until the client closes that."""

    threads: int
    served: set[Speaking] = field(default_factory=set)
    waiting: dict[Speaking, None] = field(default_factory=dict)

    def opened(self, speaking: Speaking) -> None:
        """Give the connection a thread, or let it wait for one."""
        self.count.connections += 1
        self.count.max_connections = max(self.count.max_connections, self.count.connections)
        self.waiting[speaking] = None
        self._serve_next()

    def closed(self, speaking: Speaking) -> None:
        """The thread of the connection goes on to the next one."""
        SlowHost.closed(self, speaking)
        self.served.discard(speaking)
        self.waiting.pop(speaking, None)
        self._serve_next()

    def _serve_next(self) -> None:
        while self.waiting and len(self.served) < self.threads:
            speaking = next(iter(self.waiting))
            del self.waiting[speaking]
            self.served.add(speaking)
            speaking.serve()


@dataclass(kw_only=True, slots=True)
class FewRequests(SlowHost):
    """Answers so many requests at once, and 429 to the rest."""

    most: int

    def admits(self, path: str, now: float) -> bool:
        """Whether so few are in work."""
        SlowHost.admits(self, path, now)
        self.count.refused += self.count.in_flight > self.most
        return self.count.in_flight <= self.most


@dataclass(kw_only=True, slots=True)
class RateLimited(SlowHost):
    """Answers so many requests in any second, and 429 to the rest."""

    per_second: int
    taken: deque[float] = field(default_factory=deque)

    def admits(self, path: str, now: float) -> bool:
        """Whether fewer than so many were taken within the last second."""
        SlowHost.admits(self, path, now)
        while self.taken and self.taken[0] <= now - 1.0:
            self.taken.popleft()
        if len(self.taken) >= self.per_second:
            self.count.refused += 1
            return False
        self.taken.append(now)
        return True


def host_of(manners: str) -> SlowHost:
    """A host of a kind like `connections:2` or `rate:10`; the empty kind is the plain one."""
    kind, _, number = manners.partition(":")
    if kind == "":
        return SlowHost()
    if kind == "connections":
        return FewConnections(most=int(number))
    if kind == "threads":
        return FewThreads(threads=int(number))
    if kind == "requests":
        return FewRequests(most=int(number))
    if kind == "rate":
        return RateLimited(per_second=int(number))
    raise ValueError(f"no host is {manners!r}; write connections:N, threads:N, requests:N or rate:N")
