"""A line between processes and a database that can lose every packet, be slow, be reset, refuse, and heal.

Packets are lost for real: a filter of the kernel drops what arrives before TCP has confirmed it, so both
ends see what a pulled cable shows them. Weak: answers that are under way at that moment still arrive.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from ctypes import addressof, create_string_buffer
from types import TracebackType
from typing import Self

_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # SO_ATTACH_FILTER, SO_DETACH_FILTER; Python has no names for them
_RETURN_NOTHING = struct.pack("HBBI", 6, 0, 0, 0)  # one instruction of classic BPF: BPF_RET with length 0
_BLOCK_BYTES = 65_536


class Proxy:
    """Passes bytes between `port` and a server's port on loopback. Use it in a `with`."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._lines: list[_Line] = []
        self._changing = threading.Lock()
        self._passing = threading.Event()
        self._passing.set()
        self._cut_after: bytes | None = None
        self._prepared: bytes | None = None
        self.answer_is_lost = threading.Event()
        self.delay_seconds = 0.0
        self._accept(self._listener)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self.reset()
        self._passing.set()

    def cut(self) -> None:
        """Loses every packet in both directions from now on, also of who connects."""
        with self._changing:
            self._cut()

    def cut_before_commit(self, *, of: bytes) -> None:
        """Cuts once a client commits what it did with a statement that holds `of`."""
        self._cut_after = of

    def lose_answer(self, *, to: bytes) -> None:
        """Breaks a line once the server has answered to a statement that holds `to`, without its answer."""
        self._prepared = to

    def is_cut(self) -> bool:
        """Whether packets are lost now."""
        return not self._passing.is_set()

    def heal(self) -> None:
        """Passes everything on again; whoever gave up meanwhile is told so as soon as it is heard."""
        with self._changing:
            for end in [self._listener, *(end for line in self._lines for end in line.ends)]:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
                    _ask_whether_alive(end)
            self._passing.set()

    def reset(self) -> None:
        """Breaks every connection, as a firewall does that has forgotten them."""
        with self._changing:
            for line in self._lines:
                line.reset()
            self._lines.clear()

    def refuse(self) -> None:
        """Lets nobody connect any more; who is connected stays."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def accept_again(self) -> None:
        """Lets processes connect again after `refuse`."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._accept(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        _in_background(lambda: self._accept_from(listener))

    def _accept_from(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()
            return
        line = _Line(client, server)
        with self._changing:
            self._lines.append(line)
        _in_background(lambda: self._pass_on(line, client, server))
        _in_background(lambda: self._pass_on(line, server, client))

    def _pass_on(self, line: "_Line", source: socket.socket, target: socket.socket) -> None:
        try:
            while block := source.recv(_BLOCK_BYTES):
                if source is line.client and self._is_awaited(line, block):
                    self.cut()
                if source is line.client:
                    self._watch(line, block)
                elif line.is_executed:
                    self.answer_is_lost.set()
                    line.reset()
                    return
                self._passing.wait()
                time.sleep(self.delay_seconds)
                target.sendall(block)
        except OSError:
            line.reset()
        else:
            line.close()

    def _is_awaited(self, line: "_Line", block: bytes) -> bool:
        """Whether this is the commit that is waited for."""
        if self._cut_after is not None and self._cut_after in block:
            line.is_awaited = True
        if not line.is_awaited or b"COMMIT" not in block:
            return False
        self._cut_after, line.is_awaited = None, False
        return True

    def _watch(self, line: "_Line", block: bytes) -> None:
        """A statement is prepared by one message and executed by the next."""
        if line.is_prepared:
            line.is_executed, line.is_prepared = True, False
        elif self._prepared is not None and self._prepared in block:
            self._prepared, line.is_prepared = None, True

    def _cut(self) -> None:
        self._passing.clear()
        for end in [self._listener, *(end for line in self._lines for end in line.ends)]:
            with suppress(OSError):
                _lose_what_arrives(end)


class _Line:
    """One connection: its end at the client and its end at the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.ends = (client, server)
        self.is_awaited = self.is_prepared = self.is_executed = False

    def reset(self) -> None:
        """Ends it without a farewell."""
        for end in self.ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Ends it, and whatever waits on it."""
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _lose_what_arrives(end: socket.socket) -> None:
    # struct sock_fprog: the number of instructions, and where they are.
    program = create_string_buffer(_RETURN_NOTHING, len(_RETURN_NOTHING))
    end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, addressof(program)))


def _ask_whether_alive(end: socket.socket) -> None:
    """A kernel that has given up a connection says so when it is asked; ours gives up after 3 s."""
    for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        end.setsockopt(socket.IPPROTO_TCP, name, 1)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()
