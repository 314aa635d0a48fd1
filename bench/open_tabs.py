"""Tabs of the dashboard that stay open, each a connection that reads the news of a page and throws them away.

Its own process (`python -m bench.open_tabs PORT COUNT`), so that what it costs is counted apart. It writes a
line once every tab has had news, and what all have read once its input ends.
"""

import json
import selectors
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

PAGES = ("/", "/", "/", "/jobs", "/jobs?state=ongoing", "/system")
"""What people leave open: half of the tabs show the overview."""
_REQUEST = "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: text/event-stream\r\n\r\n"
_READ_BYTES = 1 << 20


class Tabs:
    """The open connections, and what came over them."""

    def __init__(self, port: int, count: int) -> None:
        self.read_bytes = 0
        self.news = 0
        self._silent = count
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._room = bytearray(_READ_BYTES)

    def open(self, count: int) -> Iterator[socket.socket]:
        """Opens them, one after the other."""
        for number in range(count):
            line = socket.create_connection(("127.0.0.1", self._port))
            line.sendall(_REQUEST.format(PAGES[number % len(PAGES)], self._port).encode())
            self._selector.register(line, selectors.EVENT_READ, [0])
            yield line

    def read_on(self) -> None:
        """Reads until the input of this process ends."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    return
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> None:
        line = key.fileobj
        if not isinstance(line, socket.socket):
            return
        size_bytes = line.recv_into(self._room)
        if not size_bytes:
            sys.exit(f"a tab was closed after {key.data[0]} news")
        self.read_bytes += size_bytes
        news = self._room.count(b"data: {", 0, size_bytes)
        self.news += news
        if news and not key.data[0]:
            self._silent -= 1
            if not self._silent:
                print("ready", flush=True)
        key.data[0] += news


def main(port: int, count: int) -> None:
    """Keeps tabs open."""
    tabs = Tabs(port, count)
    with ExitStack() as stack:
        for line in tabs.open(count):
            stack.enter_context(line)
        tabs.read_on()
    print(json.dumps({"read_bytes": tabs.read_bytes, "news": tabs.news}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
