"""The hostile origin: every trick of the catalogue at its own loopback address, on one thread.

127.0.1.N stands for one host; all plain ones share one port, all encrypted ones another. What the tricks do
is not known here. Weak: the addresses are those of Linux, where all of 127/8 is loopback without asking.
"""

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.hostile.catalogue import TRICKS
from tests.hostile.certificates import Certificates
from tests.hostile.http2 import speak_http2
from tests.hostile.stage import MAX_HEAD_BYTES, Line, Rate, Seen, Stage, Visit, parsed_head
from tests.hostile.trick import Door, Trick

_BACKLOG = 512
_PATIENCE_SECONDS = 20.0
_PORT_TRIES = 20
NETWORK = "127.0.1.0/24"
"""Holds every address of the origin and not 127.0.0.1, so that redirects to that are to be refused."""


class HostileOrigin:
    """The server; use it in a `with`. Ports are chosen freely where none are named.

    `folder` takes the file of its CA. `rate` is what the trick `rate-limited` keeps to.
    """

    def __init__(self, folder: Path, *, port: int = 0, tls_port: int = 0, rate: Rate | None = None) -> None:
        self.tricks: Mapping[str, Trick] = {trick.name: trick for trick in TRICKS}
        self._hosts = {name: f"127.0.1.{number}" for number, name in enumerate(self.tricks, start=1)}
        self._certificates = Certificates(folder, list(self._hosts.values()))
        self._wanted_ports = (port, tls_port)
        self._changed = threading.Condition()
        self._stages = {name: Stage(name, rate or Rate(), self._changed) for name in self.tricks}
        self._sockets = contextlib.ExitStack()
        self._lines: set[asyncio.Task[None]] = set()

    @property
    def ca_file(self) -> Path:
        """The certificate that vouches for the good hosts, in PEM."""
        return self._certificates.ca_file

    @property
    def ports(self) -> str:
        """Every port of the origin, comma-separated."""
        return f"{self.port},{self.tls_port}"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as sockets:
            wanted, wanted_tls = self._wanted_ports
            self.port, plain = self._listen(sockets, wanted, {Door.HTTP})
            self.tls_port, encrypted = self._listen(sockets, wanted_tls, {Door.TLS, Door.TLS_PORT})
            for name, trick in self.tricks.items():
                if trick.door is Door.DEAF:
                    _be_deaf(sockets, (self._hosts[name], self.port))
            self._sockets = sockets.pop_all()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._work, args=(plain | encrypted,), name="hostile-origin")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._sockets.close()

    def host(self, name: str) -> str:
        """The address of a trick."""
        return self._hosts[name]

    def url(self, name: str, tail: str = "1.jpg") -> str:
        """A URL that plays a trick; any tail does, each is a photo of its own."""
        trick = self.tricks[name]
        port = self.tls_port if trick.scheme == "https" else self.port
        return f"{trick.scheme}://{self._hosts[name]}:{port}/{tail}"

    def seen(self, name: str) -> Seen:
        """What the address of a trick has seen so far."""
        return self._stages[name].seen

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Block until what is counted makes the condition true; in async tests, from a thread."""
        with self._changed:
            if not self._changed.wait_for(condition, _PATIENCE_SECONDS):
                raise TimeoutError("the hostile origin did not see what the test waits for")

    def _listen(
        self, sockets: contextlib.ExitStack, port: int, doors: set[Door]
    ) -> tuple[int, dict[str, socket.socket]]:
        """Listen at the addresses of all tricks with such a door, on one port that is free on all of them."""
        names = [name for name, trick in self.tricks.items() if trick.door in doors]
        for _ in range(1 if port else _PORT_TRIES):
            with contextlib.ExitStack() as bound, _clash_is_no_error(unless=bool(port)):
                listeners: dict[str, socket.socket] = {}
                free = port
                for name in names:
                    listener = socket.create_server((self._hosts[name], free), backlog=_BACKLOG)
                    listeners[name] = bound.enter_context(listener)
                    free = listener.getsockname()[1]
                sockets.enter_context(bound.pop_all())
                return free, listeners
        raise OSError(errno.EADDRINUSE, "no port is free on all addresses")

    def _work(self, listeners: Mapping[str, socket.socket]) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve(listeners))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())

    async def _serve(self, listeners: Mapping[str, socket.socket]) -> None:
        servers = [
            await asyncio.start_server(
                self._accepting(self.tricks[name]), sock=listener, limit=MAX_HEAD_BYTES
            )
            for name, listener in listeners.items()
        ]
        await self._stopping.wait()
        for server in servers:
            server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await asyncio.sleep(0)  # for what was aborted to be closed

    def _accepting(self, trick: Trick) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = Line(self._stages[trick.name], reader, writer)
            task = self._loop.create_task(self._talk(trick, line))
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
            # A task that is cancelled before its first step plays nothing, and closes nothing either.
            task.add_done_callback(lambda _: writer.transport.abort())

        return accept

    async def _talk(self, trick: Trick, line: Line) -> None:
        """Play the trick on one connection; a client may leave at any time."""
        line.stage.opened()
        try:
            with contextlib.suppress(OSError):
                await self._play(trick, line)
                line.writer.close()
                await line.writer.wait_closed()
        finally:
            line.writer.transport.abort()
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()
            line.stage.closed()

    async def _play(self, trick: Trick, line: Line) -> None:
        if trick.greet is not None:
            await trick.greet(line)
            return
        if trick.door is Door.TLS:
            protocol = "h2" if trick.http2 else "http/1.1"
            await line.writer.start_tls(self._certificates.context(trick.certificate, protocol=protocol))
        if trick.http2 is not None:
            await speak_http2(line, trick.http2)
        elif trick.answer is not None:
            await self._answer_requests(trick.answer, line)

    async def _answer_requests(self, answer: Callable[[Visit], Awaitable[None]], line: Line) -> None:
        stays = True
        while stays and (head := parsed_head(await line.read_head())) is not None:
            visit = Visit(line, head, line.stage.began(head[0]), self.url)
            try:
                await answer(visit)
            finally:
                line.stage.ended()
            stays = visit.stays


@contextlib.contextmanager
def _clash_is_no_error(*, unless: bool) -> Iterator[None]:
    """A port that was free on one address may be taken on another: then it is tried again."""
    try:
        yield
    except OSError as error:
        if unless or error.errno != errno.EADDRINUSE:
            raise


def _be_deaf(sockets: contextlib.ExitStack, address: tuple[str, int]) -> None:
    """Listen with a queue that is full: nothing answers a connection to it."""
    listener, *fillers = [sockets.enter_context(socket.socket()) for _ in range(3)]
    listener.bind(address)
    listener.listen(0)
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(address)
