"""What is sent again, when, and what is not; the same for both clients."""

import socket
import time
from typing import Any

import pytest

from retailpulse import client
from tests.canned import JOB_ID, Answer, CannedService, as_json, completed, job
from tests.client.conftest import Connect

JOB = f"GET /api/v1/jobs/{JOB_ID}"
SUBMIT = "POST /api/v1/jobs"
VISITS = [{"store_id": "S1", "image_url": ["http://a/b"], "visit_time": "now"}]
DROPPED = Answer(dropped=True)
AWAY = as_json({"detail": "not now"}, 503)
ACCEPTED = as_json({"job_id": JOB_ID}, 201)


@pytest.mark.parametrize("outage", [DROPPED, AWAY, Answer(status=502), Answer(body=b"{", promised=50)])
def test_a_question_is_asked_again_after_an_outage(
    canned: CannedService, connect: Connect, outage: Answer
) -> None:
    canned.on(JOB, as_json(job()), outage, outage, as_json(completed()))
    speaking = connect(canned.url)
    assert [speaking.job(JOB_ID).status for _ in range(2)] == ["ongoing", "completed"]
    assert len(canned.asked) == 4


def test_a_submit_that_broke_off_is_sent_again_with_the_same_key_and_bytes(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(SUBMIT, DROPPED, AWAY, ACCEPTED)
    rows = iter(VISITS)  # can be read only once
    assert connect(canned.url).submit(rows, name="Monday") == JOB_ID
    assert len({request.headers["Idempotency-Key"] for request in canned.asked}) == 1
    assert {request.body for request in canned.asked} == {
        b'{"store_id":"S1","visit_time":"now","image_url":["http://a/b"]}\n'
    }
    assert {request.query for request in canned.asked} == {"name=Monday"}


def test_two_submits_of_the_same_visits_are_two_jobs_unless_the_caller_gives_a_key(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(SUBMIT, ACCEPTED)
    speaking = connect(canned.url)
    for key in (None, None, "mine", "mine"):
        speaking.submit(VISITS, idempotency_key=key)
    keys = [request.headers["Idempotency-Key"] for request in canned.asked]
    assert keys[0] != keys[1]
    assert keys[2:] == ["mine", "mine"]


@pytest.mark.parametrize(
    ("action", "request_line"),
    [
        ("retry", f"POST /api/v1/jobs/{JOB_ID}/retry"),
        ("delete", f"DELETE /api/v1/jobs/{JOB_ID}"),
        ("redeliver", f"POST /api/v1/jobs/{JOB_ID}/redeliver"),
    ],
)
@pytest.mark.parametrize("lost", [DROPPED, Answer(status=504)])
def test_what_done_twice_is_not_the_same_is_not_sent_again_when_its_answer_is_lost(
    canned: CannedService, connect: Connect, action: str, request_line: str, lost: Answer
) -> None:
    canned.on(JOB, as_json(job()))
    canned.on(request_line, lost)
    speaking = connect(canned.url)
    speaking.job(JOB_ID)
    with pytest.raises((client.Unreachable, client.Unavailable)):
        getattr(speaking, action)(JOB_ID)
    assert len(canned.asked) == 2


def test_but_it_is_sent_again_where_the_service_said_that_it_was_not_done(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(f"POST /api/v1/jobs/{JOB_ID}/retry", AWAY, as_json(job()))
    assert connect(canned.url).retry(JOB_ID).status == "ongoing"


def test_a_service_that_says_when_to_come_back_is_asked_no_sooner(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(JOB, as_json({}, 429, Retry_After="1"), as_json(job()))
    begin = time.monotonic()
    connect(canned.url).job(JOB_ID)
    assert time.monotonic() - begin >= 1.0


def test_where_that_is_later_than_patience_lasts_the_error_comes_at_once(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(JOB, as_json({}, 429, Retry_After="60"))
    with pytest.raises(client.TooManyRequests) as caught:
        connect(canned.url, patience_seconds=30).job(JOB_ID)
    assert caught.value.retry_after_seconds == 60
    assert len(canned.asked) == 1


def test_an_outage_longer_than_patience_is_told_with_its_cause(
    canned: CannedService, connect: Connect
) -> None:
    canned.on(JOB, AWAY)
    told: list[client.ClientError] = []
    with pytest.raises(client.Unavailable, match="not now"):
        connect(canned.url, patience_seconds=1, on_outage=told.append).job(JOB_ID)
    assert len(told) == len(canned.asked) - 1 > 0


@pytest.mark.parametrize("first_contact_seconds", [0, 0.6])
def test_a_service_that_was_never_there_is_waited_for_as_long_as_is_said(
    connect: Connect, first_contact_seconds: float
) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told: list[Any] = []
        with pytest.raises(client.Unreachable, match="cannot be reached") as caught:
            connect(url, first_contact_seconds=first_contact_seconds, on_outage=told.append).job(JOB_ID)
    assert not caught.value.was_sent
    assert bool(told) == (first_contact_seconds > 0)


def test_a_refusal_is_final(canned: CannedService, connect: Connect) -> None:
    with pytest.raises(client.NotFound):
        connect(canned.url).job(JOB_ID)
    assert len(canned.asked) == 1


def test_an_export_that_breaks_off_is_written_anew_and_never_twice_to_who_reads_it(
    canned: CannedService, connect: Connect, tmp_path: Any
) -> None:
    whole = b"image_no\n1\n2\n"
    cut = Answer(body=whole[:-2], promised=len(whole))
    canned.on(f"GET /api/v1/jobs/{JOB_ID}/results", DROPPED, cut, Answer(body=whole))
    path = tmp_path / "results.csv"
    assert connect(canned.url).export(JOB_ID, path) == len(whole)
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]
    canned.on(f"GET /api/v1/jobs/{JOB_ID}/results", cut, Answer(body=whole))
    with pytest.raises(client.Unreachable, match="broke off"):
        list(connect(canned.url).exported(JOB_ID, format="csv"))
