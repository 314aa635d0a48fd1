"""A server before the service that sends its pages in small pieces, as a slow line does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

PIECE_BYTES = 1_000
PAUSE_SECONDS = 0.03
"""Longer than a browser takes to draw what it has."""
_KEPT = ("content-type", "content-security-policy", "cache-control")


@contextmanager
def in_pieces(service_url: str) -> Iterator[str]:
    """Gives the address of the server, which passes on GET requests alone, and no live updates."""

    class Passing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            accepted = {"accept": self.headers.get("accept", "*/*")}
            if "event-stream" in accepted["accept"]:
                self.send_response(503)
                self.end_headers()
                return
            found = httpx.get(service_url + self.path, headers=accepted, trust_env=False)
            self.send_response(found.status_code)
            for name in _KEPT:
                if name in found.headers:
                    self.send_header(name, found.headers[name])
            self.send_header("content-length", str(len(found.content)))
            self.end_headers()
            is_page = found.headers["content-type"].startswith("text/html")
            with suppress(BrokenPipeError):  # the browser has gone on to the next page
                self._send(found.content, PAUSE_SECONDS if is_page else 0)

        def _send(self, content: bytes, pause_seconds: float) -> None:
            for start in range(0, len(content), PIECE_BYTES):
                self.wfile.write(content[start : start + PIECE_BYTES])
                time.sleep(pause_seconds)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
