"""Spans by the SDK of OpenTelemetry; the one module that knows it, loaded only if traces are on."""

import os
import socket
import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace import Tracer as SdkTracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from retailpulse.telemetry.redaction import redact_fields, redact_text
from retailpulse.telemetry.tracing import Attributes, Span, SpanName, Tracer

_PROPAGATOR = TraceContextTextMapPropagator()
_KINDS = {
    SpanName.REQUEST: SpanKind.SERVER,
    SpanName.SUBMIT: SpanKind.PRODUCER,
    SpanName.IMAGE: SpanKind.CONSUMER,
    SpanName.TRANSFER: SpanKind.CLIENT,
    SpanName.CALLBACK: SpanKind.CLIENT,
}


def make_tracer(process: str, service_name: str | None) -> tuple[Tracer, Callable[[], object]]:
    """A tracer whose spans are exported in batches, by a thread, and what exports the last of them."""
    attributes: dict[str, str | int] = {
        "process.pid": os.getpid(),
        "process.command": process,
        "host.name": socket.gethostname(),
    }
    if service_name is not None:
        attributes["service.name"] = service_name
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return _Tracer(provider.get_tracer("retailpulse")), provider.shutdown


class _Tracer:
    """Begins spans of the SDK; its sampler decides which traces are recorded."""

    def __init__(self, tracer: SdkTracer) -> None:
        self._tracer = tracer

    def begin(
        self,
        name: SpanName,
        traceparent: str | None,
        attributes: Attributes | None = None,
        *,
        age_seconds: float = 0.0,
    ) -> Span | None:
        """See `Tracer`."""
        context = None if traceparent is None else _PROPAGATOR.extract({"traceparent": traceparent})
        span = self._tracer.start_span(
            name.value,
            context=context,
            kind=_KINDS.get(name, SpanKind.INTERNAL),
            attributes=_masked(attributes),
            start_time=time.time_ns() - round(age_seconds * 1e9),
        )
        return _Span(self._tracer, span) if span.is_recording() else None


class _Span:
    """A span of the SDK that is recorded."""

    def __init__(self, tracer: SdkTracer, span: SdkSpan) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def trace_id(self) -> str:
        """See `Span`."""
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def traceparent(self) -> str:
        """See `Span`."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def begin(self, name: SpanName, attributes: Attributes | None = None) -> Span:
        """See `Span`."""
        return self._start(name, None, attributes)

    def record(
        self, name: SpanName, began_ns: int, ended_ns: int, attributes: Attributes | None = None
    ) -> Span:
        """See `Span`."""
        made = self._start(name, began_ns, attributes)
        made._span.end(ended_ns)
        return made

    def _start(self, name: SpanName, began_ns: int | None, attributes: Attributes | None) -> "_Span":
        span = self._tracer.start_span(
            name.value,
            context=set_span_in_context(self._span),
            kind=_KINDS.get(name, SpanKind.INTERNAL),
            attributes=_masked(attributes),
            start_time=began_ns,
        )
        return _Span(self._tracer, span)

    def set(self, attributes: Attributes) -> None:
        """See `Span`."""
        self._span.set_attributes(redact_fields(attributes))

    def end(self, error: str | None = None) -> None:
        """See `Span`."""
        if error is not None:
            self._span.set_status(Status(StatusCode.ERROR, redact_text(error)))
        self._span.end()


def _masked(attributes: Attributes | None) -> dict[str, str | int | float | bool] | None:
    return None if attributes is None else redact_fields(attributes)
