"""Turns traces on, by the standard variables of OpenTelemetry, and exports them by OTLP over HTTP.

The packages are those of the extra `tracing`, and are imported only if traces are on. Settings of the SDK
(sampler, batches, headers, certificates) are read by the SDK itself.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping

from retailpulse.telemetry.redaction import redact_text
from retailpulse.telemetry.tracing import Tracer

logger = logging.getLogger(__name__)

SERVICE = "retailpulse"
FLUSH_SECONDS = 1.5
"""How long the end of a process waits for its last spans to be exported."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


@contextlib.contextmanager
def tracing(process: str, environment: Mapping[str, str] = os.environ) -> Iterator[Tracer | None]:
    """A tracer for the time of the block, if the environment turns traces on; then exports what is left."""
    if not is_on(environment):
        yield None
        return
    try:
        from retailpulse.process.tracing_sdk import make_tracer
    except ModuleNotFoundError as error:
        logger.warning("traces are off: %s is missing; install retailpulse[tracing]", error.name)
        yield None
        return
    tracer, shut_down = make_tracer(process, _service_name(environment))
    logger.info("traces are on", extra={"endpoint": redact_text(_endpoint(environment))})
    try:
        yield tracer
    finally:
        _close(shut_down)


def is_on(environment: Mapping[str, str]) -> bool:
    """Whether the variables turn traces on; what cannot be used is a line in the log, and leaves them off."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter == "none" or not (exporter or _endpoint(environment)):
        return False
    if exporter not in ("", "otlp"):
        logger.warning("traces are off: OTEL_TRACES_EXPORTER is %s; only otlp and none are known", exporter)
        return False
    protocol = next(filter(None, map(environment.get, _PROTOCOLS)), _PROTOCOL)
    if protocol != _PROTOCOL:
        logger.warning("traces are off: they are exported by %s alone, not by %s", _PROTOCOL, protocol)
        return False
    return True


def _endpoint(environment: Mapping[str, str]) -> str:
    return next(filter(None, map(environment.get, reversed(_ENDPOINTS))), "")


def _service_name(environment: Mapping[str, str]) -> str | None:
    """Ours; None if the environment has another."""
    attributes = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    is_named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in attributes
    return None if is_named else SERVICE


def _close(shut_down: Callable[[], object]) -> None:
    """Exports what is left, within bounds: a receiver that hangs keeps no process from its end."""
    closing = threading.Thread(target=shut_down, daemon=True)
    closing.start()
    closing.join(FLUSH_SECONDS)
    if closing.is_alive():
        logger.warning("the last spans are not exported: the receiver gives no answer")
