"""A tiny real HTTP server that answers what a test told it to, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

JOB_ID = "0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer; `promised` is a Content-Length other than the true one, a `dropped` one never comes."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None
    dropped: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def as_json(data: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, body=json.dumps(data).encode(), headers=headers)


def job(status: str = "ongoing", **changes: Any) -> dict[str, Any]:
    """A job as the service describes it: 10 images, 4 of them settled, 1 failed."""
    done = status != "ongoing"
    return {
        "job_id": JOB_ID,
        "status": status,
        "depth": "decode",
        "images": {"total": 10, "settled": 10 if done else 4, "measured": 9 if done else 3, "failed": 1},
        "causes": {"http_status": 1},
        "stores": [{"store_id": "RP00007", "images": 4, "failed": 1, "error": "HTTP 404"}],
        "submitted_at": "2026-11-20T10:00:00+00:00",
        "finished_at": "2026-11-20T10:00:05+00:00" if done else None,
        "images_per_second": 2.0,
        "seconds_left": None if done else 3.0,
        **changes,
    }


def completed() -> dict[str, Any]:
    images = {"total": 10, "settled": 10, "measured": 10, "failed": 0}
    return job("completed", images=images, causes={}, stores=[])


class CannedService(ThreadingHTTPServer):
    """Answers per method and path, one after the other; the last one is given for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[Asked] = []
        self.answers: dict[str, list[Answer]] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def on(self, request: str, *answers: Answer) -> None:
        """Say what `"GET /path"` gets."""
        self.answers[request] = list(answers)

    def on_job(self, *states: dict[str, Any] | Answer) -> None:
        """Say how the job goes."""
        answers = [state if isinstance(state, Answer) else as_json(state) for state in states]
        self.on(f"GET /api/v1/jobs/{JOB_ID}", *answers)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def _serve(self) -> None:
        assert isinstance(self.server, CannedService)
        parts = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers=dict(self.headers.items()),
            body=self._body(),
        )
        self.server.asked.append(asked)
        answers = self.server.answers.get(f"{self.command} {parts.path}")
        if not answers:
            self._give(as_json({"title": "Not found", "detail": "there is no such job"}, 404))
        else:
            self._give(answers.pop(0) if len(answers) > 1 else answers[0])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _give(self, answer: Answer) -> None:
        self.close_connection = answer.dropped or answer.promised is not None
        if answer.dropped:
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name.replace("_", "-"), value)
        if isinstance(answer.body, bytes):
            promised = len(answer.body) if answer.promised is None else answer.promised
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(answer.body)
        else:
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in answer.body:
                self.wfile.write(piece)
