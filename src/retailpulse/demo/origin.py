"""A web server for the photos, drawn or put together, on a free port of 127.0.0.1.

Runs as its own process (`python -m retailpulse.demo.origin FOLDER`), prints its port, and ends when its
standard input closes, so it never outlives its parent. `/cut/NAME` promises a whole file and breaks off.
"""

import re
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from retailpulse.demo.recipes import Kitchen

CUT_SHARE = 0.6
"""How much of a broken-off file really arrives."""

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
}


class PhotoServer(ThreadingHTTPServer):
    """Serves the photos of one folder under /photos/ and broken off under /cut/."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.kitchen = Kitchen(folder)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hangs up: at depth `header` every one does."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        """Answer with the file, a range of it, or 404."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as GET would, without the body."""
        self._answer(with_body=False)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: two thousand lines do not help."""

    def _answer(self, *, with_body: bool) -> None:
        route, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        server = cast(PhotoServer, self.server)
        file = server.folder / name
        if route not in {"photos", "cut"} or Path(name).name != name:
            self._empty(HTTPStatus.NOT_FOUND)
            return
        made = server.kitchen.photo(name)
        if made is None and not file.is_file():
            self._empty(HTTPStatus.NOT_FOUND)
            return
        size = file.stat().st_size if made is None else len(made)
        first, last = self._range(size)
        if first >= size:
            self._empty(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self._head(file, size, first, last)
        if with_body:
            self._body(made or file, first, last - first + 1, broken=route == "cut")

    def _range(self, size: int) -> tuple[int, int]:
        """First and last byte that are asked for; the whole file if no range is, or none we know."""
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None:
            return 0, size - 1
        return int(asked[1]), min(int(asked[2] or size - 1), size - 1)

    def _head(self, file: Path, size: int, first: int, last: int) -> None:
        whole = "Range" not in self.headers or last - first + 1 == size
        self.send_response(HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", _TYPES.get(file.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        if not whole:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()

    def _body(self, source: Path | bytes, first: int, length: int, *, broken: bool) -> None:
        if broken:
            length = int(length * CUT_SHARE)
            self.close_connection = True
        if isinstance(source, bytes):
            self.wfile.write(memoryview(source)[first : first + length])
            return
        with source.open("rb") as file:
            self.connection.sendfile(file, first, length)

    def _empty(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(folder: Path) -> None:
    """Serve until standard input closes: then the parent is gone."""
    server = PhotoServer(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
