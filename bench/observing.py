"""What looks at a service from outside: a receiver of traces, and a reader of its metrics."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from bench.cases import BenchFailed

SCRAPE_SECONDS = 1.0
"""How often metrics are read: Prometheus does so every 15 s or more seldom, so this costs more."""


@dataclass(kw_only=True, slots=True)
class TraceReceiver:
    """Takes all that is exported by OTLP over HTTP; `received_bytes` so far."""

    port: int
    received_bytes: int = 0

    @property
    def environment(self) -> Mapping[str, str]:
        """What a service needs to export one job in a hundred to it, and those whose sender records them."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.01",
        }


@contextmanager
def receiving_traces() -> Iterator[TraceReceiver]:
    """Receives while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.received_bytes += len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)  # the empty answer is what a receiver says that took all
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = TraceReceiver(port=server.server_port)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def reading_metrics(url: str) -> Iterator[None]:
    """Reads the metrics of a service again and again while the block runs."""
    is_over, failures = threading.Event(), list[str]()

    def read() -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            while not is_over.wait(SCRAPE_SECONDS):
                answer = http.get(f"{url}/metrics")
                if answer.status_code != httpx.codes.OK:
                    failures.append(f"HTTP {answer.status_code}")

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield
    finally:
        is_over.set()
        reading.join()
    if failures:
        raise BenchFailed(f"metrics could not be read: {failures[0]}")
