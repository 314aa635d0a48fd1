"""One trace of a job: the request, the queue, its images on two workers, their requests, and the callback."""

import signal
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import trustme

from retailpulse.telemetry.tracing import is_traced_image
from tests.api.jobs import RunningApi, body, photo, visit
from tests.conftest import STORES
from tests.lifecycle.processes import QUICK
from tests.log_lines import log_lines
from tests.origin import Origin, Reply
from tests.running import ALLOW_LOOPBACK, Process, RunningService, wait_for
from tests.storage.servers import database_url, folder, postgres
from tests.tracing.receiver import Received, Receiver

__all__ = ["database_url", "folder", "postgres"]

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
IMAGES, GONE = 120, 3
TRACED = [number for number in range(1, IMAGES + 1) if is_traced_image(number)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    """A photo host with TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    made = Origin(tls=context)
    yield made
    made.close()


@pytest.fixture
def hook() -> Iterator[Origin]:
    made = Origin()
    made.serve("/hook", Reply(status=204))
    yield made
    made.close()


def serve(folder: Path, **environment: str) -> RunningService:
    environment |= {"RETAILPULSE_FETCH_CA_FILE": str(folder / "ca.pem")}
    service = RunningService(folder, environment=environment, workers=2).wait_until_ready()
    service.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
    return service


def submit(service: RunningService, origin: Origin, hook: Origin, traceparent: str | None) -> str:
    paths = [f"/{number}.png?token=hunter2" for number in range(IMAGES)]
    for path in paths[:GONE] + paths[GONE + 1 :]:
        origin.serve(path, Reply(body=photo(8, 8)))
    urls = [origin.url(path, host="localhost") for path in paths]
    sent = body(visit("RP00001", *urls), callback_url=hook.url("/hook"))
    headers = {} if traceparent is None else {"traceparent": traceparent}
    answer = service.http.post("/api/v1/jobs", json=sent, headers=headers)
    job_id = str(answer.raise_for_status().json()["job_id"])
    service.finished(job_id)
    wait_for(lambda: hook.requests)
    return job_id


def within(parent: Received, spans: list[Received]) -> list[Received]:
    return [span for span in spans if span.parent_id == parent.span_id]


def test_a_job_is_one_trace_from_its_submit_to_its_callback(
    tmp_path: Path, receiver: Receiver, origin: Origin, hook: Origin
) -> None:
    service = serve(tmp_path, **receiver.environment, OTEL_SERVICE_NAME="photos")
    try:
        job_id = submit(service, origin, hook, f"00-{TRACE}-{PARENT}-01")
        wait_for(lambda: receiver.spans("callback"))
    finally:
        assert service.stop() == 0, service.log()
    spans = [span for span in receiver.spans() if span.trace_id == TRACE]
    (request,) = [span for span in spans if span.name == "http request"]
    (submitted,) = within(request, spans)
    assert request.parent_id == PARENT
    assert request.attributes["http.response.status_code"] == 201
    assert (submitted.name, submitted.attributes) == ("submit", {"job": job_id, "images": IMAGES})
    below = Counter(span.name for span in within(submitted, spans))
    assert below == {"queue": 1, "image": len(TRACED), "callback": 1}
    images = [span for span in spans if span.name == "image"]
    assert sorted(int(str(span.attributes["image"])) for span in images) == TRACED
    assert {span.resource["service.name"] for span in spans} == {"photos"}
    assert {span.resource["process.command"] for span in spans} == {"api", "worker"}
    check_images(images, spans)
    (queue, callback) = (span for span in spans if span.name in ("queue", "callback"))
    assert queue.began_ns < images[0].began_ns < callback.began_ns
    assert callback.attributes["http.response.status_code"] == 204
    for event in ("job accepted", "job failed"):
        (line,) = log_lines(service.log(), event, job=job_id)
        assert line["trace_id"] == TRACE
    assert b"hunter2" not in receiver.body


def test_workers_that_share_a_job_go_on_with_one_trace(
    tmp_path: Path, database_url: str, receiver: Receiver, hook: Origin
) -> None:
    settings = ALLOW_LOOPBACK | QUICK | receiver.environment
    settings |= {"RETAILPULSE_DATABASE_URL": database_url, "RETAILPULSE_FETCH_CONCURRENCY": "2"}
    settings |= {"RETAILPULSE_WORKER_GRACE_SECONDS": "60"}  # longer than another worker takes to start
    gate = threading.Event()
    photos = Origin()
    api = RunningApi(tmp_path / "api", database_url, settings).wait_until_ready()
    workers = [Process(tmp_path / "first", "worker", environment=settings)]
    try:
        api.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        urls = [photos.serve(f"/{number}.png", Reply(body=photo(8, 8), before=gate)) for number in range(10)]
        sent = body(visit("RP00001", *urls), callback_url=hook.url("/hook"))
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        api.http.post("/api/v1/jobs", json=sent, headers=headers).raise_for_status()
        wait_for(lambda: photos.busy == 2)
        workers[0].process.send_signal(signal.SIGTERM)  # hands back the rest, which nobody else has yet
        workers.append(Process(tmp_path / "second", "worker", environment=settings))
        wait_for(lambda: photos.busy == 4)
        gate.set()
        wait_for(lambda: receiver.spans("callback") and len(receiver.spans("settle")) == len(urls))
    finally:
        gate.set()
        codes = [one.stop() for one in (*workers, api)]
        photos.close()
    assert codes == [0, 0, 0]
    spans = [span for span in receiver.spans() if span.trace_id == TRACE]
    assert {span.name for span in receiver.spans() if span.trace_id != TRACE} == {
        "http request"
    }  # the stores
    assert {span.parent_id for span in spans} <= {PARENT, *(span.span_id for span in spans)}
    first, second = (str(one.process.pid) for one in workers)
    images = Counter(pid_of(span) for span in spans if span.name == "image")
    assert images.keys() == {first, second}
    assert images[first] >= 2
    for name in ("fetch", "decode", "settle"):
        assert Counter(pid_of(span) for span in spans if span.name == name) == images
    assert {pid_of(span) for span in spans if span.name == "submit"} == {str(api.process.pid)}
    assert {pid_of(span) for span in spans if span.name == "callback"} == {second}


def pid_of(span: Received) -> str:
    return str(span.resource["process.pid"])


def check_images(images: list[Received], spans: list[Received]) -> None:
    """Each image was fetched, decoded and settled, but one that was not there; the first dialled."""
    dialled = 0
    for image in images:
        parts = {span.name: span for span in within(image, spans)}
        if image.attributes["image"] == GONE + 1:
            assert parts.keys() == {"fetch", "settle"}
            assert parts["fetch"].error == "http_status: HTTP 404"
        else:
            assert parts.keys() == {"fetch", "decode", "settle"}
            assert parts["fetch"].ended_ns <= parts["decode"].began_ns
        dns, transfer = within(parts["fetch"], spans)
        assert (dns.name, transfer.name) == ("dns", "transfer")
        steps = within(transfer, spans)
        assert {"first byte"} <= {span.name for span in steps} <= {"connect", "tls", "first byte", "body"}
        assert all(first.ended_ns == second.began_ns for first, second in pairwise(steps))
        dialled += [span.name for span in steps][:2] == ["connect", "tls"]
    assert dialled > 0


def test_what_is_not_sampled_or_turned_off_sends_nothing(
    tmp_path: Path, receiver: Receiver, origin: Origin, hook: Origin
) -> None:
    service = serve(tmp_path, **receiver.environment, OTEL_TRACES_SAMPLER="parentbased_always_off")
    try:
        unsampled = submit(service, origin, hook, None)
        again = submit(service, origin, hook, f"00-{TRACE}-{PARENT}-00")
        sampled = submit(service, origin, hook, f"00-{TRACE}-{PARENT}-01")
        wait_for(lambda: len(receiver.spans("callback")) == 1)
    finally:
        assert service.stop() == 0, service.log()
    assert {span.trace_id for span in receiver.spans()} == {TRACE}
    assert {span.attributes.get("job") for span in receiver.spans()} - {None} == {sampled}
    assert {"trace_id" in line for line in log_lines(service.log(), job=unsampled)} == {False}
    assert {"trace_id" in line for line in log_lines(service.log(), job=again)} == {False}
