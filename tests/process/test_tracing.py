"""Traces are on by the standard variables alone; what cannot be used is said, and stops nothing."""

import logging
import socket
import sys

import pytest

from retailpulse.process.tracing import is_on, tracing
from retailpulse.telemetry.tracing import CURRENT_SPAN, SpanName, in_span, is_traced_image, within

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_the_standard_variables_turn_traces_on(environment: dict[str, str], on: bool) -> None:
    assert is_on(environment) is on


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "traces are off: OTEL_TRACES_EXPORTER is zipkin"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "by http/protobuf alone, not by grpc"),
    ],
)
def test_what_cannot_be_used_leaves_them_off_and_is_said(
    environment: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not is_on(environment)
    assert said in caplog.text


def test_without_the_extra_they_are_off_and_the_service_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "retailpulse.process.tracing_sdk", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with tracing("worker", ENDPOINT) as tracer:
        assert tracer is None
    assert "install retailpulse[tracing]" in caplog.text


def test_a_receiver_that_never_answers_keeps_no_process_from_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"http://u:hunter2@127.0.0.1:{mute.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        with caplog.at_level(logging.INFO), tracing("worker") as tracer:
            assert tracer is not None
            span = tracer.begin(SpanName.IMAGE, None)
            assert span is not None
            span.end()
    assert "the last spans are not exported" in caplog.text
    assert "hunter2" not in "".join(str(record.__dict__) for record in caplog.records)


def test_while_traces_are_off_no_block_has_a_span() -> None:
    first, second = in_span(SpanName.FETCH), in_span(SpanName.DECODE)
    assert first is second
    with first as span:
        assert span is CURRENT_SPAN.get() is None


def test_a_span_within_another_ends_with_its_block_and_says_what_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with tracing("worker") as tracer:
        assert tracer is not None
        span = tracer.begin(SpanName.IMAGE, "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        assert span is not None
        with pytest.raises(ValueError, match="no picture"), within(span), in_span(SpanName.FETCH) as inner:
            assert inner is not None
            assert inner is CURRENT_SPAN.get()
            assert inner.trace_id == span.trace_id == "a" * 32
            raise ValueError("no picture")
        assert CURRENT_SPAN.get() is None


def test_a_job_of_many_images_has_few_spans() -> None:
    traced = [number for number in range(1, 1_000) if is_traced_image(number)]
    assert traced == [*range(1, 11), *range(100, 1_000, 100)]
