"""Real servers that bear few connections: so many and no more, or each for as long as it is kept alive."""

import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

BODY = b"photo" * 200
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_NO_LINGER = struct.pack("ii", 1, 0)  # closing resets the connection


class NarrowOrigin:
    """Serves `connections` connections at once; use it in a `with`.

    Where it is `patient`, further ones are accepted when one of those ends, else they are reset. A request is
    answered `seconds` after it came, but for paths that contain `missing`, `hang` or `reset`.
    """

    def __init__(self, connections: int, *, patient: bool, seconds: float = 0.0, dead: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._free = threading.Semaphore(connections)
        self._patient = patient
        self._seconds = seconds
        self._dead = dead
        self._closing = threading.Event()
        self._counting = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.requests: Counter[str] = Counter()
        self.resets = 0
        self.connections = 0
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._free.release()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._counting:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    @property
    def open_connections(self) -> int:
        """How many connections are served now."""
        return len(self._open)

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{path}"

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            if self._patient:
                self._free.acquire()
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._closing.is_set():
                connection.close()
                return
            self.connections += 1
            if self._dead or not (self._patient or self._free.acquire(blocking=False)):
                self._reset(connection)
                continue
            with self._counting:
                self._open.add(connection)
            self._start(self._talk, connection)

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            while self._answer(connection, lines.readline()) and not self._closing.is_set():
                while lines.readline().strip():
                    pass
        with self._counting:
            self._open.discard(connection)
        self._free.release()

    def _answer(self, connection: socket.socket, line: bytes) -> bool:
        if not line:
            return False
        path = line.split(b" ")[1].decode()
        with self._counting:
            self.requests[path] += 1
        if "reset" in path:
            self._reset(connection)
            return False
        if self._seconds or "hang" in path:
            self._closing.wait(None if "hang" in path else self._seconds)
        connection.sendall(_MISSING if "missing" in path else _ANSWER)
        return True

    def _reset(self, connection: socket.socket) -> None:
        self.resets += 1
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        connection.close()
