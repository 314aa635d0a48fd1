"""Waiting for a job: by its events, through what breaks them, by asking, and not for ever."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from retailpulse import client
from retailpulse.client.waiting import Event, EventLines
from tests.canned import JOB_ID, Answer, CannedService, as_json, completed, job
from tests.client.conftest import Connect

EVENTS = f"GET /api/v1/jobs/{JOB_ID}/events"
STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


def event(name: str, settled: int, number: int) -> bytes:
    images = {"total": 10, "settled": settled, "measured": settled, "failed": 0, "cancelled": 0}
    status = "ongoing" if name == "progress" else "completed"
    data = json.dumps({"job_id": JOB_ID, "status": status, "images": images})
    return f"id: {number}\nevent: {name}\ndata: {data}\n\n".encode()


def stream(*pieces: bytes) -> Answer:
    return Answer(headers=STREAM, body=list(pieces))


def asked_for_events(canned: CannedService) -> list[dict[str, str]]:
    return [asked.headers for asked in canned.asked if asked.path.endswith("/events")]


def test_news_come_by_events_and_the_job_is_told_at_the_end(canned: CannedService, connect: Connect) -> None:
    canned.on_job(job(), completed())
    whole = event("progress", 5, 1) + b": still here\n\n" + event("progress", 8, 2) + event("end", 10, 3)
    canned.on(EVENTS, stream(*(whole[at : at + 7] for at in range(0, len(whole), 7))))
    moments: list[client.Progress] = []
    ended = connect(canned.url).wait(JOB_ID, progress=moments.append)
    assert ended.status == "completed"
    assert [moment.images.settled for moment in moments] == [4, 5, 8, 10]
    assert [asked.path.rpartition("/")[2] for asked in canned.asked] == [JOB_ID, "events", JOB_ID, JOB_ID]


def test_a_stream_that_breaks_off_goes_on_after_the_last_event(
    canned: CannedService, connect: Connect
) -> None:
    canned.on_job(job(), job(), completed())
    cut = Answer(headers=STREAM, body=event("progress", 5, 41), promised=10_000)
    canned.on(EVENTS, cut, stream(event("end", 10, 42)))
    assert connect(canned.url).wait(JOB_ID).status == "completed"
    first, second = asked_for_events(canned)
    assert "Last-Event-ID" not in first
    assert second["Last-Event-ID"] == "41"


@pytest.mark.parametrize(
    "nothing",
    [
        as_json({"type": "/problems/not-found"}, 404),
        as_json({}, 406),
        as_json({"no": "stream"}),
        Answer(status=405),
    ],
)
def test_without_events_the_job_is_asked_now_and_then(
    canned: CannedService, connect: Connect, nothing: Answer
) -> None:
    canned.on_job(job(), job(), job(), completed())
    canned.on(EVENTS, nothing)
    assert connect(canned.url).wait(JOB_ID).status == "completed"
    assert len(asked_for_events(canned)) == 1


def test_an_outage_is_waited_out(canned: CannedService, connect: Connect) -> None:
    dropped = Answer(dropped=True)
    canned.on_job(job(), dropped, as_json({}, 503), completed())
    canned.on(EVENTS, dropped, stream(event("end", 10, 1)))
    assert connect(canned.url).wait(JOB_ID).status == "completed"


def test_a_job_that_is_deleted_meanwhile_is_not_found(canned: CannedService, connect: Connect) -> None:
    canned.on_job(job(), as_json({"type": "/problems/not-found"}, 404))
    canned.on(EVENTS, stream(b'event: deleted\ndata: {"job_id": "x"}\n\n'))
    with pytest.raises(client.NotFound):
        connect(canned.url).wait(JOB_ID)


@pytest.mark.parametrize("kind", ["silent", "busy", "missing"])
def test_a_job_that_does_not_end_in_time_is_told(canned: CannedService, connect: Connect, kind: str) -> None:
    def for_ever() -> Iterator[bytes]:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            time.sleep(0.05)
            yield b": still here\n\n" if kind == "busy" else b""

    canned.on_job(job())
    if kind != "missing":
        canned.on(EVENTS, Answer(headers=STREAM, body=for_ever()))
    with pytest.raises(client.TimedOut, match=f"{JOB_ID} has not ended in time"):
        connect(canned.url).wait(JOB_ID, timeout_seconds=0.7)
    assert asked_for_events(canned)


def test_a_job_that_has_ended_is_not_waited_for(canned: CannedService, connect: Connect) -> None:
    canned.on_job(completed())
    moments: list[Any] = []
    connect(canned.url).wait(JOB_ID, timeout_seconds=0, progress=moments.append)
    assert len(moments) == 1
    assert asked_for_events(canned) == []


def test_an_error_of_the_callback_is_the_callers(canned: CannedService, connect: Connect) -> None:
    canned.on_job(job())
    with pytest.raises(ZeroDivisionError):
        connect(canned.url).wait(JOB_ID, progress=lambda _: 1 / 0)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_events_are_cut_out_of_any_blocks(step: int) -> None:
    text = (
        "id: 1\r\nevent: a\r\ndata: x\r\ndata: y\u00e4\r\n\r\n:c\n\nretry: 5\n\ndata\n\nevent: lost\ndata: "
    )
    raw = text.encode()
    lines = EventLines()
    found = [each for at in range(0, len(raw), step) for each in lines.feed(raw[at : at + step])]
    assert found == [
        Event(name="a", data="x\ny\u00e4", id="1"), Event(), Event(name="message", data="")
    ]  # fmt: skip
