"""A TLS server that breaks where clients are modern: in HTTP/2, or if the first message of TLS is large.

Asked in a simpler way it answers. Threads, one for each connection; weak: one answer for all paths.
"""

import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nphoto"
_ONE_PACKET_BYTES = 1_400

Break = Callable[[ssl.SSLSocket], None]
"""What is done with a connection for which HTTP/2 was agreed on."""
Refuse = Callable[[socket.socket], None]
"""What is done with a connection whose first message is larger than a packet."""


class PickyServer:
    """Use it in a `with`. `seen` counts connections by what became of them."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        breaks: Break | None = None,
        refuses: Refuse | None = None,
        only_http_2: bool = False,
    ) -> None:
        self._only_http_2 = only_http_2
        context.set_alpn_protocols(["h2", "http/1.1"] if breaks else ["http/1.1"])
        self._context = context
        self._breaks = breaks
        self._refuses = refuses
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.seen: Counter[str] = Counter()
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/a"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._talk, args=(connection,)))
                self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ProtocolError):
            first = connection.recv(_ONE_PACKET_BYTES + 1, socket.MSG_PEEK)
            if self._refuses is not None and len(first) > _ONE_PACKET_BYTES:
                self.seen["refused"] += 1
                self._refuses(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as speaking:
                self._open.append(speaking)  # the first one is nothing but its shell now
                protocol = speaking.selected_alpn_protocol() or "http/1.1"
                self.seen[protocol] += 1
                if self._breaks is not None and (protocol == "h2" or self._only_http_2):
                    self._breaks(speaking)
                    return
                while speaking.recv(65_536):
                    speaking.sendall(ANSWER)


def reset(connection: socket.socket) -> None:
    """Close a connection by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket) -> None:
    """Close a connection once something was said."""
    connection.recv(65_536)


def wait(connection: socket.socket) -> None:
    """Say nothing until the client leaves."""
    while connection.recv(65_536):
        pass


def speak_http_1(connection: ssl.SSLSocket) -> None:
    """Answer HTTP/2 in HTTP/1.1."""
    connection.recv(65_536)
    connection.sendall(ANSWER)
    wait(connection)


def send_garbage(connection: ssl.SSLSocket) -> None:
    """Answer with a frame that breaks the rules of HTTP/2."""
    connection.recv(65_536)
    connection.sendall(b"\x00\x00\x05\x04\x00\x00\x00\x00\x00aaaaa")
    wait(connection)


def reset_stream(connection: ssl.SSLSocket) -> None:
    """Break each stream off before its answer."""
    _converse(connection, lambda frames, stream: frames.reset_stream(stream, ErrorCodes.PROTOCOL_ERROR))


def answers_after(failures: int) -> Break:
    """Break so many streams off, and answer all further ones."""
    left = iter(range(failures))

    def answer(frames: H2Connection, stream: int) -> None:
        if next(left, None) is not None:
            frames.reset_stream(stream, ErrorCodes.PROTOCOL_ERROR)
        else:
            frames.send_headers(stream, [(":status", "200")])
            frames.send_data(stream, b"photo", end_stream=True)

    return lambda connection: _converse(connection, answer)


def go_away(connection: ssl.SSLSocket) -> None:
    """Call the connection off at its first request."""
    _converse(
        connection, lambda frames, _: frames.close_connection(ErrorCodes.INTERNAL_ERROR, last_stream_id=0)
    )


def break_off(connection: ssl.SSLSocket) -> None:
    """Break each stream off within its body, whose length was declared."""

    def answer(frames: H2Connection, stream: int) -> None:
        frames.send_headers(stream, [(":status", "200"), ("content-length", "5")])
        frames.send_data(stream, b"pho")
        frames.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)

    _converse(connection, answer)


def break_off_openly(connection: ssl.SSLSocket) -> None:
    """Break each stream off within its body, whose length was not declared."""

    def answer(frames: H2Connection, stream: int) -> None:
        frames.send_headers(stream, [(":status", "200")])
        frames.send_data(stream, b"pho")
        frames.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)

    _converse(connection, answer)


def _converse(connection: ssl.SSLSocket, answer: Callable[[H2Connection, int], None]) -> None:
    frames = H2Connection(H2Configuration(client_side=False))
    frames.initiate_connection()
    connection.sendall(frames.data_to_send())
    while data := connection.recv(65_536):
        for event in frames.receive_data(data):
            if isinstance(event, RequestReceived):
                answer(frames, event.stream_id)
        connection.sendall(frames.data_to_send())
