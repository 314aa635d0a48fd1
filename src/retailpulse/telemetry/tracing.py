"""Traces: the names of spans, the span that a task works in, and what a tracer can do.

A trace begins with the request that submits a job, and goes on in whatever works on that job. While it is
off, no task has a span, and each place that may record one reads one context variable.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import StrEnum
from typing import Protocol

FIRST_IMAGES = 10
EVERY_IMAGE = 100
Attributes = Mapping[str, str | int | float | bool]


class SpanName(StrEnum):
    """What each span is called."""

    REQUEST = "http request"  # to the API, from the head to the last byte of the answer
    SUBMIT = "submit"  # the transaction that stores a job
    QUEUE = "queue"  # from the submit until a worker takes the first image
    IMAGE = "image"  # from the claim until the result is queued
    FETCH = "fetch"  # all tries, redirects and waits at the host
    DNS = "dns"
    TRANSFER = "transfer"  # one request to a photo host; the next four are its parts
    CONNECT = "connect"
    TLS = "tls"
    FIRST_BYTE = "first byte"  # from the request until the answer begins
    BODY = "body"
    DECODE = "decode"  # the wait for a decoder included
    SETTLE = "settle"  # until the batch with the result is written
    CALLBACK = "callback"  # one try


class Span(Protocol):
    """A part of a trace that is recorded; times are in nanoseconds since 1970."""

    @property
    def trace_id(self) -> str:
        """In hexadecimal, as log lines have it."""

    @property
    def traceparent(self) -> str:
        """By what another process goes on with it (W3C Trace Context)."""

    def begin(self, name: SpanName, attributes: Attributes | None = None) -> "Span":
        """A span within this one."""

    def record(
        self, name: SpanName, began_ns: int, ended_ns: int, attributes: Attributes | None = None
    ) -> "Span":
        """A span within this one that is over already."""

    def set(self, attributes: Attributes) -> None:
        """Adds attributes."""

    def end(self, error: str | None = None) -> None:
        """Ends it; `error` says why what it is about has failed."""


class Tracer(Protocol):
    """Begins spans, or goes on with a trace of another process."""

    def begin(
        self,
        name: SpanName,
        traceparent: str | None,
        attributes: Attributes | None = None,
        *,
        age_seconds: float = 0.0,
    ) -> Span | None:
        """The first span of this process in a trace, begun so long ago; None if the trace is not recorded."""


CURRENT_SPAN: ContextVar[Span | None] = ContextVar("current_span", default=None)
"""The span that the task works in; None if nothing is recorded."""
_NO_SPAN: AbstractContextManager[Span | None] = contextlib.nullcontext()


def is_traced_image(image_no: int) -> bool:
    """Whether an image of a recorded job has a span: the first ten of a job, and every hundredth."""
    return image_no <= FIRST_IMAGES or image_no % EVERY_IMAGE == 0


def trace_id_in(traceparent: str) -> str:
    """The id of a trace, as log lines have it."""
    return traceparent.split("-")[1]


def in_span(name: SpanName, attributes: Attributes | None = None) -> AbstractContextManager[Span | None]:
    """A span within the current one, for the time of the block; None if nothing is recorded."""
    parent = CURRENT_SPAN.get()
    return _NO_SPAN if parent is None else within(parent.begin(name, attributes))


@contextlib.contextmanager
def within(span: Span) -> Iterator[Span]:
    """Makes a span the current one for the time of the block, and ends it."""
    error: str | None = None
    token = CURRENT_SPAN.set(span)
    try:
        yield span
    except Exception as failure:
        error = str(failure) or type(failure).__name__
        raise
    finally:
        CURRENT_SPAN.reset(token)
        span.end(error)


def record_since(name: SpanName, seconds: float, attributes: Attributes | None = None) -> None:
    """Records what has taken the last seconds, if anything is recorded here."""
    span = CURRENT_SPAN.get()
    if span is not None:
        now_ns = time.time_ns()
        span.record(name, now_ns - round(seconds * 1e9), now_ns, attributes)
