"""A receiver of OTLP over HTTP, which keeps the spans that it is sent."""

import gzip
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, kw_only=True)
class Received:
    """A span as it was sent, with the process that sent it; ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    error: str
    attributes: dict[str, object]
    resource: dict[str, object]


class Receiver:
    """Listens on a port of its own; `body` is all that it was sent, as bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[Received] = []
        self.body = b""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.keep(gzip.decompress(sent) if self.headers["Content-Encoding"] == "gzip" else sent)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process export to it, soon after each span has ended."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def spans(self, name: str | None = None) -> list[Received]:
        """The spans that have come, of one name or of all, in the order in which they began."""
        with self._lock:
            found = [span for span in self._spans if name in (None, span.name)]
        return sorted(found, key=lambda span: span.began_ns)

    def keep(self, message: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(message)
        with self._lock:
            self.body += message
            for resource in request.resource_spans:
                sender = _values(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self._spans += [_received(span, sender) for span in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _received(span: Span, sender: dict[str, object]) -> Received:
    return Received(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        error=span.status.message,
        attributes=_values(span.attributes),
        resource=sender,
    )


def _values(attributes: Iterable[KeyValue]) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}
