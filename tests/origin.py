"""A real HTTP/1.1 server on loopback that serves what a test tells it to, also what no server should.

Threads, so that it works beside any event loop. Weak: no HTTP/2, and chunked bodies only by `raw`.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import BinaryIO, Self

_PATIENCE_SECONDS = 20.0
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How one request is answered."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    knows_ranges: bool = True
    declared_bytes: int | None = None  # the Content-Length that is told, where it is not the true one
    raw: bytes | None = None  # sent word for word instead of all of the above
    before: threading.Event | None = None  # nothing is sent before this is set
    seconds: float = 0.0  # how long the answer takes
    hang_after: int | None = None  # falls silent after so many bytes of the body, until the server closes
    close: bool = False  # the connection is closed after the answer
    allows: "Callable[[Seen], bool] | None" = None  # a request that it does not allow is answered with 401


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that came in; the names of its headers are in lower case."""

    path: str
    headers: dict[str, str]
    connection: int
    method: str = "GET"
    body: bytes = b""


class Origin:
    """The server: `serve` a path, then ask for its URL. Use it in a `with`, or close it.

    What it counts may be read at any time: `requests`; `connections`, and how many of them are `open`;
    `busy` and `most_busy` requests; `waiting` and `most_waiting` of these, whose answer has not begun.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self._host = f"[{host}]" if ":" in host else host
        self._tls = tls
        self._replies: dict[str, list[Reply]] = {}
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self.decide: Callable[[Seen], Reply] | None = None  # answers all paths, if it is set
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Seen] = []
        self.connections = 0
        self.open = 0
        self.busy = 0
        self.most_busy = 0
        self.waiting = 0
        self.most_waiting = 0
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, path: str, *, host: str | None = None) -> str:
        """The URL of a path, by the server's own address or by another name of it."""
        return f"{'https' if self._tls else 'http'}://{host or self._host}:{self.port}{path}"

    def serve(self, path: str, *replies: Reply) -> str:
        """Answer a path with these replies in turn, the last one for ever; returns its URL."""
        self._replies[path] = list(replies)
        return self.url(path)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Block until what the server counts makes the condition true; in async tests, from a thread."""
        with self._changed:
            if not self._changed.wait_for(condition, _PATIENCE_SECONDS):
                raise TimeoutError("the server did not see what the test waits for")

    def close(self) -> None:
        """Stop, and close every connection."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in list(self._sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            with self._changed:
                self.connections += 1
                self.open += 1
                self._changed.notify_all()
            self._start(self._talk, connection, self.connections)

    def _talk(self, connection: socket.socket, number: int) -> None:
        """Answer the requests of one connection; a client may leave at any time."""
        with connection, suppress(OSError):
            speaking = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with speaking, speaking.makefile("rb") as lines:
                while (seen := _read_request(lines, number)) and not self._closing.is_set():
                    if not self._answer(speaking, seen):
                        break
        with self._changed:
            self.open -= 1
            self._changed.notify_all()

    def _answer(self, speaking: socket.socket, seen: Seen) -> bool:
        """Answer one request; False ends the connection."""
        with self._changed:
            replies = self._replies.get(seen.path, [Reply(status=404)])
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            self.requests.append(seen)
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            self._changed.notify_all()
        try:
            self._wait_for(reply.before)
            self._closing.wait(reply.seconds)
            with self._changed:
                self.waiting -= 1  # before its client can know, who may ask for the next then
            return self._send(speaking, reply, seen)
        finally:
            with self._changed:
                self.busy -= 1
                self._changed.notify_all()

    def _wait_for(self, event: threading.Event | None) -> None:
        while event is not None and not event.wait(0.02) and not self._closing.is_set():
            pass

    def _send(self, speaking: socket.socket, reply: Reply, seen: Seen) -> bool:
        reply = self.decide(seen) if self.decide is not None else reply
        if reply.allows is not None and not reply.allows(seen):
            reply = Reply(status=401, body=b'{"error": {"code": "invalid_token"}}')
        if reply.raw is not None:
            speaking.sendall(reply.raw)
            return False
        head, body = _composed(reply, seen.headers.get("range"))
        speaking.sendall(head + body[: reply.hang_after])
        if reply.hang_after is not None:
            self._closing.wait()
        return not reply.close and reply.declared_bytes is None


def _read_request(lines: BinaryIO, connection: int) -> Seen | None:
    """The next request of a connection, or None where it is over."""
    first = lines.readline().decode("latin-1").split(" ")
    headers = {}
    while line := lines.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if len(first) < 2:
        return None
    body = lines.read(int(headers.get("content-length", 0)))
    return Seen(path=first[1], headers=headers, connection=connection, method=first[0], body=body)


def _composed(reply: Reply, asked: str | None) -> tuple[bytes, bytes]:
    """The head and the body of an answer, cut to the range that was asked for."""
    status, body, headers = reply.status, reply.body, dict(reply.headers)
    span = _RANGE.fullmatch(asked) if asked and reply.knows_ranges and status == 200 else None
    if span is not None:
        start, end = int(span[1]), min(int(span[2] or len(body)), len(body) - 1)
        satisfiable = start < len(body)
        status = 206 if satisfiable else 416
        headers["Content-Range"] = f"bytes {f'{start}-{end}' if satisfiable else '*'}/{len(body)}"
        body = body[start : end + 1] if satisfiable else b""
    headers.setdefault(
        "Content-Length", str(len(body) if reply.declared_bytes is None else reply.declared_bytes)
    )
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Odd')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8"), body
