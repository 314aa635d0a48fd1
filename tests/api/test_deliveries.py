"""Callbacks over HTTP: from the submit that names a receiver to the log of its tries, and once more."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.api.jobs import NO_JOB, body, held, photo, post, problem, visit
from tests.origin import Origin, Reply, Seen
from tests.running import RunningService, secret_of, wait_for

JOBS = "/api/v1/jobs"


def submitted(service: RunningService, callback_url: str | None, *visits: dict[str, Any]) -> str:
    fields = {} if callback_url is None else {"callback_url": callback_url}
    answer = post(service, body(*(visits or (visit(),)), **fields), JOBS)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def deliveries(service: RunningService, job_id: str) -> list[dict[str, Any]]:
    answer = service.http.get(f"{JOBS}/{job_id}/deliveries")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def ended(service: RunningService, job_id: str, state: str, tries: int = 1) -> dict[str, Any]:
    """The one delivery of a job, once it has so many tries and this state."""

    def found() -> dict[str, Any] | None:
        for delivery in deliveries(service, job_id):
            if delivery["state"] == state and len(delivery["tries"]) >= tries:
                return delivery
        return None

    return wait_for(found)


def received(origin: Origin, path: str) -> list[Seen]:
    return [seen for seen in list(origin.requests) if seen.path == path]


def test_a_job_tells_its_receiver_of_its_end(service: RunningService, origin: Origin) -> None:
    hook = origin.serve("/hooks/end", Reply(status=204))
    good = origin.serve("/deliveries/good.png", Reply(body=photo(9, 9)))
    job_id = submitted(service, hook, visit("RP00001", good))
    delivery = ended(service, job_id, "delivered")
    (seen,) = received(origin, "/hooks/end")
    message = Webhook(secret_of(service)).verify(seen.body, seen.headers)
    job = service.job(job_id)
    summary = {
        name: job[name]
        for name in job.keys() - {"causes", "stores", "images_per_second", "seconds_left", "waiting_for"}
    }
    assert message == {"type": "job.ended", "timestamp": job["finished_at"], "data": summary}
    assert (message["data"]["status"], message["data"]["callback_url"]) == ("completed", hook)
    assert delivery["delivery_id"] == seen.headers["webhook-id"]
    assert (delivery["event"], delivery["url"], delivery["next_try_at"]) == ("job.ended", hook, None)
    assert delivery["ended_at"] == job["finished_at"]
    assert [(one["status"], one["error"]) for one in delivery["tries"]] == [(204, None)]
    assert delivery["tries"][0]["at"] >= job["finished_at"]


def test_a_job_that_is_called_off_or_of_unknown_stores_tells_it_too(
    service: RunningService, origin: Origin
) -> None:
    hook = origin.serve("/hooks/others", Reply())
    ended(service, submitted(service, hook, visit("nowhere")), "delivered")
    with held(origin, "/deliveries/held.png", photo(8, 8)) as waits:
        job_id = submitted(service, hook, visit("RP00001", waits))
        assert deliveries(service, job_id) == []
        service.http.post(f"{JOBS}/{job_id}/cancel").raise_for_status()
        ended(service, job_id, "delivered")
    statuses = [json.loads(seen.body)["data"]["status"] for seen in received(origin, "/hooks/others")]
    assert statuses == ["failed", "cancelled"]


def test_a_receiver_that_fails_at_first_is_told_once_it_works(
    service: RunningService, origin: Origin
) -> None:
    hook = origin.serve("/hooks/flaky", Reply(status=500), Reply(status=200))
    job_id = submitted(service, hook)
    waiting = ended(service, job_id, "pending")
    assert waiting["next_try_at"] > waiting["tries"][0]["at"]
    delivery = ended(service, job_id, "delivered")
    assert [one["status"] for one in delivery["tries"]] == [500, 200]
    assert len({seen.headers["webhook-id"] for seen in received(origin, "/hooks/flaky")}) == 1


def test_it_is_sent_again_when_it_is_asked_for(service: RunningService, origin: Origin) -> None:
    hook = origin.serve("/hooks/again", Reply(status=410), Reply(status=200))
    job_id = submitted(service, hook)
    given_up = ended(service, job_id, "given_up")
    answer = service.http.post(f"{JOBS}/{job_id}/redeliver")
    assert answer.status_code == 202
    assert answer.json() == {
        **given_up,
        "state": "pending",
        "next_try_at": answer.json()["next_try_at"],
    }
    delivery = ended(service, job_id, "delivered")
    assert [one["status"] for one in delivery["tries"]] == [410, 200]
    first, second = received(origin, "/hooks/again")
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


def test_every_end_of_a_job_that_is_retried_is_listed_page_by_page(
    service: RunningService, origin: Origin
) -> None:
    hook = origin.serve("/hooks/retried", Reply())
    job_id = submitted(service, hook, visit("RP00001", origin.url("/deliveries/missing.png")))
    service.finished(job_id)
    for _ in range(2):
        service.http.post(f"{JOBS}/{job_id}/retry").raise_for_status()
        service.finished(job_id)
    pages = []
    path = f"{JOBS}/{job_id}/deliveries?limit=2"
    while path:
        answer = service.http.get(path)
        pages.append([one["delivery_id"] for one in answer.json()["items"]])
        path = answer.json()["next"]
        assert ("link" in answer.headers) == bool(path)
    stem = f"msg_{job_id.replace('-', '')}_"
    assert pages == [[f"{stem}1", f"{stem}2"], [f"{stem}3"]]


def test_a_job_without_a_receiver_has_nothing_to_send_again(service: RunningService) -> None:
    job_id = submitted(service, None)
    service.finished(job_id)
    assert deliveries(service, job_id) == []
    refusal = problem(service.http.post(f"{JOBS}/{job_id}/redeliver"), 409, "conflict")
    assert "has no callback_url" in refusal["detail"]


def test_a_job_that_has_not_ended_has_nothing_to_send_again(service: RunningService, origin: Origin) -> None:
    with held(origin, "/deliveries/waits.png", photo(8, 8)) as waits:
        hook = origin.serve("/hooks/waits", Reply())
        job_id = submitted(service, hook, visit("RP00001", waits))
        refusal = problem(service.http.post(f"{JOBS}/{job_id}/redeliver"), 409, "conflict")
        assert "has not ended yet" in refusal["detail"]


@pytest.mark.parametrize("unknown", [NO_JOB, "nonsense"])
def test_an_unknown_job_has_no_deliveries(service: RunningService, unknown: str) -> None:
    problem(service.http.get(f"{JOBS}/{unknown}/deliveries"), 404, "not-found")
    problem(service.http.post(f"{JOBS}/{unknown}/redeliver"), 404, "not-found")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x"])
def test_a_limit_that_is_none_is_refused(service: RunningService, query: str) -> None:
    problem(service.http.get(f"{JOBS}/{NO_JOB}/deliveries?{query}"), 400, "invalid-request")


def test_a_page_that_is_not_there_is_not_found(service: RunningService) -> None:
    answer = service.http.get(f"{JOBS}/{service.submit([visit()])}/deliveries?cursor=1")
    assert problem(answer, 404, "not-found")["detail"].startswith("cursor: ")


@pytest.mark.parametrize("url", ["ftp://hooks.example/", "hooks.example", "https://u:p@hooks.example/", ""])
def test_a_callback_url_that_is_no_url_is_refused_with_the_submit(service: RunningService, url: str) -> None:
    answer = post(service, body(visit(), callback_url=url), JOBS)
    assert "callback_url" in problem(answer, 400, "invalid-request")["detail"]


def test_a_receiver_that_may_not_be_asked_is_given_up_without_a_packet(service: RunningService) -> None:
    job_id = submitted(service, "http://169.254.169.254/latest/meta-data/")
    (one,) = ended(service, job_id, "given_up")["tries"]
    assert (one["status"], one["error"]) == (None, "blocked_address: the address of the host is not allowed")
