"""Where the time of a request went, by libcurl's own clocks, as spans of its image."""

import time

import pycurl

from retailpulse.telemetry.tracing import Attributes, Span, SpanName

_PARTS = (
    (SpanName.CONNECT, pycurl.CONNECT_TIME),
    (SpanName.TLS, pycurl.APPCONNECT_TIME),
    (SpanName.FIRST_BYTE, pycurl.STARTTRANSFER_TIME),
    (SpanName.BODY, pycurl.TOTAL_TIME),
)
"""Each part with libcurl's clock of its end, in seconds since the request began; 0: there was none."""


def record_transfer(span: Span, handle: pycurl.Curl, attributes: Attributes) -> None:
    """Records the request that a handle has just ended, and its parts: a kept connection has none to dial."""
    now_ns = time.time_ns()
    began_ns = now_ns - _ns(handle.getinfo(pycurl.TOTAL_TIME))
    transfer = span.record(SpanName.TRANSFER, began_ns, now_ns, attributes)
    ended_ns = began_ns
    for name, clock in _PARTS:
        at_ns = began_ns + _ns(handle.getinfo(clock))
        if at_ns > ended_ns:
            transfer.record(name, ended_ns, at_ns)
            ended_ns = at_ns


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
