"""An origin in Python for machines without nginx: files from memory, keep-alive, Range, several processes.

Its own process (`python -m bench.python_origin ADDRESS PORT PROCESSES FOLDER`); ends when it is told to.
Weak: it reads only what the service and the limit loops send, and costs more CPU than nginx.
"""

import asyncio
import multiprocessing
import re
import sys
from pathlib import Path
from typing import Any, cast

import uvloop

_REQUEST = re.compile(rb"(GET|HEAD) /([^ ?]+)[^ ]* HTTP/1\.1\r\n")
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"
_MAX_HEAD_BYTES = 65_536


class Photos(asyncio.Protocol):
    """One connection."""

    def __init__(self, files: dict[bytes, bytes]) -> None:
        self._files = files
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head, self._received = self._received[: end + 4], self._received[end + 4 :]
            self._transport.writelines(answer(head, self._files))
        if len(self._received) > _MAX_HEAD_BYTES:
            self._transport.close()


def answer(head: bytes, files: dict[bytes, bytes]) -> list[bytes | memoryview]:
    """The answer to a request's head, in pieces."""
    request = _REQUEST.match(head)
    body = files.get(request[2]) if request else None
    if request is None or body is None:
        return [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]
    status, extra, part = b"200 OK", b"", memoryview(body)
    asked = _RANGE.search(head)
    if asked:
        first = int(asked[1])
        last = min(int(asked[2] or len(body)), len(body) - 1)
        if first > last:
            return [b"HTTP/1.1 416 No\r\nContent-Range: bytes */%d\r\nContent-Length: 0\r\n\r\n" % len(body)]
        status = b"206 Partial Content"
        extra = b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, len(body))
        part = part[first : last + 1]
    line = b"HTTP/1.1 %b\r\nContent-Type: image/jpeg\r\n%bContent-Length: %d\r\n\r\n"
    said = line % (status, extra, len(part))
    return [said] if request[1] == b"HEAD" else [said, part]


class Folder(dict[bytes, bytes]):
    """The files of a folder by their names, those that came later too, each read once."""

    def __init__(self, folder: Path) -> None:
        super().__init__({path.name.encode(): path.read_bytes() for path in folder.iterdir()})
        self._folder = folder

    def get(self, name: bytes, default: Any = None) -> Any:
        """The content of a file, or the default if there is none of this name."""
        path = self._folder / Path(name.decode("ascii", "replace")).name
        if name not in self and path.is_file():
            self[name] = path.read_bytes()
        return super().get(name, default)


def _serve(address: str, port: int, folder: Path) -> None:
    files = Folder(folder)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Photos(files), address, port, reuse_port=True, backlog=4_096
        )
        await server.serve_forever()

    uvloop.run(run())


def main(address: str, port: int, processes: int, folder: Path) -> None:
    """Serve with several processes on one port; the kernel deals the connections out."""
    for _ in range(processes - 1):
        multiprocessing.Process(target=_serve, args=(address, port, folder), daemon=True).start()
    _serve(address, port, folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
