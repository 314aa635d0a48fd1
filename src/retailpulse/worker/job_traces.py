"""Goes on with the traces of jobs in a worker: spans of the queue, of images, of callbacks.

A recorded job has one trace. Of its images the first ten and every hundredth have spans, as a job may have
a million. Without a tracer nothing is recorded.
"""

import contextlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from uuid import UUID

from retailpulse.storage.scheduling.claims import Granted
from retailpulse.telemetry.tracing import (
    Span,
    SpanName,
    Tracer,
    is_traced_image,
    within,
)
from retailpulse.worker.held_images import HeldImage

_NO_SPAN: AbstractContextManager[Span | None] = contextlib.nullcontext()


class JobTraces:
    """Begins the spans of a worker."""

    def __init__(self, tracer: Tracer | None) -> None:
        self._tracer = tracer

    @property
    def are_on(self) -> bool:
        """Whether anything can be recorded."""
        return self._tracer is not None

    def image(self, held: HeldImage) -> AbstractContextManager[Span | None]:
        """The span of an image, for the time of the block; None if it has none."""
        traceparent = held.grant.traceparent
        if traceparent is None or self._tracer is None or not is_traced_image(held.image.image_no):
            return _NO_SPAN
        attributes = {
            name: _attribute(value) for name, value in held.log_fields().items() if value is not None
        }
        span = self._tracer.begin(SpanName.IMAGE, traceparent, attributes)
        return _NO_SPAN if span is None else within(span)

    def callback(
        self, job_id: UUID, receiver: str, traceparent: str | None
    ) -> AbstractContextManager[Span | None]:
        """The span of one try to deliver a callback, for the time of the block; None if it has none."""
        if traceparent is None or self._tracer is None:
            return _NO_SPAN
        attributes = {"job": str(job_id), "server.address": receiver}
        span = self._tracer.begin(SpanName.CALLBACK, traceparent, attributes)
        return _NO_SPAN if span is None else within(span)

    def record_queue(self, granted: Iterable[Granted], waits: Mapping[UUID, float]) -> None:
        """Records how long jobs have waited, in seconds, whose first images were claimed now."""
        if self._tracer is None:
            return
        traceparents = {grant.job_id: grant.traceparent for grant in granted if grant.traceparent is not None}
        for job_id, traceparent in traceparents.items():
            if job_id in waits:
                attributes = {"job": str(job_id)}
                span = self._tracer.begin(SpanName.QUEUE, traceparent, attributes, age_seconds=waits[job_id])
                if span is not None:
                    span.end()


def _attribute(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)
