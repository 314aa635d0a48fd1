"""POST /api/v1/jobs/{id}/retry and DELETE: failures are worked on once more; a deleted job is gone."""

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import (
    CORNER_SHOP,
    MARKET_HALL,
    NO_JOB,
    NOWHERE,
    body,
    held,
    new_area,
    photo,
    post,
    problem,
    put_stores,
    store_file,
    visit,
)
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def earlier_of(service: RunningService, job_id: str) -> list[tuple[object, ...]]:
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        return connection.execute(
            "SELECT image_no, retry_no, cause FROM earlier_results WHERE job_id = %s ORDER BY 1, 2", [job_id]
        ).fetchall()


def test_what_failed_is_tried_again_and_what_was_measured_is_not(
    service: RunningService, origin: Origin
) -> None:
    good = origin.serve("/retry/good.png", Reply(body=photo(9, 9)))
    once = origin.serve("/retry/once.png", Reply(status=404), Reply(body=photo(8, 8)))
    job_id = post(service, body(visit(CORNER_SHOP, good, once), visit(MARKET_HALL, once))).json()["job_id"]
    first = service.finished(job_id)
    assert (first["status"], first["images"]["failed"], first["retries"]) == ("failed", 2, 0)
    answer = service.http.post(f"/api/v1/jobs/{job_id}/retry")
    assert answer.status_code == 200
    assert (answer.json()["retries"], answer.json()["finished_at"]) in {(1, None)}
    last = service.finished(job_id)
    assert (last["status"], last["causes"], last["retries"]) == ("completed", {}, 1)
    assert last["submitted_at"] == first["submitted_at"]
    assert last["finished_at"] > first["finished_at"]
    assert earlier_of(service, job_id) == [(2, 1, "http_status"), (3, 1, "http_status")]
    assert [seen.path for seen in origin.requests].count("/retry/good.png") == 1


def test_the_old_status_says_ongoing_once_more(service: RunningService, origin: Origin) -> None:
    gone = origin.serve("/retry/gone.png", Reply(status=404))
    job_id = post(service, body(visit(CORNER_SHOP, gone))).json()["job_id"]
    service.finished(job_id)
    with held(origin, "/retry/gone.png", photo(7, 7)):
        service.http.post(f"/api/v1/jobs/{job_id}/retry").raise_for_status()
        old = service.http.get("/api/status", params={"jobid": job_id}).json()
        assert old == {"status": "ongoing", "job_id": job_id}
    assert service.finished(job_id)["status"] == "completed"


def test_only_the_causes_named_are_tried_again(service: RunningService, origin: Origin) -> None:
    gone = origin.serve("/retry/404.png", Reply(status=404), Reply(body=photo(7, 7)))
    text = origin.serve("/retry/text.png", Reply(body=b"no image at all"))
    job_id = post(service, body(visit(CORNER_SHOP, gone, text, NOWHERE))).json()["job_id"]
    assert service.finished(job_id)["images"]["failed"] == 3
    path = f"/api/v1/jobs/{job_id}/retry"
    refusal = problem(service.http.post(path, json={"causes": ["dns"]}), 409, "conflict")
    assert "no image with dns" in refusal["detail"]
    assert service.http.post(path, json={"causes": ["http_status"]}).status_code == 200
    assert service.finished(job_id)["causes"] == {"bad_url": 1, "unsupported_format": 1}


def test_a_store_that_is_known_by_now_has_its_images_fetched(service: RunningService, origin: Origin) -> None:
    good = origin.serve("/retry/new-store.png", Reply(body=photo(30, 20)))
    job_id = post(service, body(visit("RETRY-NEW", good, good), visit("RETRY-NONE", good))).json()["job_id"]
    assert service.finished(job_id)["status"] == "failed"
    area, _ = new_area(service)
    put_stores(service, store_file([(area, "New Shop", "RETRY-NEW")]))
    report = service.http.post(f"/api/v1/jobs/{job_id}/retry").json()
    assert report["images"]["failed"] == 1  # the other store is as unknown as before
    report = service.finished(job_id)
    assert (report["status"], report["causes"]) == ("failed", {"store_id_not_found": 1})
    found = service.http.get("/api/visits", params={"storeid": "RETRY-NEW"}).json()["results"]
    assert found[0]["data"] == [{"date": "2026-11-20", "perimeter": 200}]


def test_a_job_with_nothing_to_try_but_unknown_stores_ends_again_at_once(service: RunningService) -> None:
    job_id = post(service, body(visit("nobody"))).json()["job_id"]
    first = service.finished(job_id)
    report = service.http.post(f"/api/v1/jobs/{job_id}/retry").json()
    assert (report["status"], report["retries"]) == ("failed", 1)
    assert report["finished_at"] > first["finished_at"]
    assert earlier_of(service, job_id) == [(1, 1, "store_id_not_found")]


def test_what_cannot_be_retried_is_refused(service: RunningService, origin: Origin) -> None:
    good = origin.serve("/retry/fine.png", Reply(body=photo(9, 9)))
    job_id = post(service, body(visit(CORNER_SHOP, good))).json()["job_id"]
    service.finished(job_id)
    path = f"/api/v1/jobs/{job_id}/retry"
    assert "no image" in problem(service.http.post(path), 409, "conflict")["detail"]
    with held(origin, "/retry/held.png", photo(8, 8)) as waits:
        other = post(service, body(visit(CORNER_SHOP, waits), visit("nobody"))).json()["job_id"]
        service.http.post(f"/api/v1/jobs/{other}/cancel").raise_for_status()
    refusal = problem(service.http.post(f"/api/v1/jobs/{other}/retry"), 409, "conflict")
    assert "was cancelled" in refusal["detail"]
    for unknown in (NO_JOB, "nonsense"):
        problem(service.http.post(f"/api/v1/jobs/{unknown}/retry"), 404, "not-found")
    for bad in ('{"causes": ["bad luck"]}', '{"causes": []}', '{"causes": "dns"}', "[", "7"):
        problem(service.http.post(path, content=bad), 400, "invalid-request")


@pytest.mark.parametrize("content", ["", "{}", '{"causes": null}'])
def test_a_body_that_names_no_cause_means_all(service: RunningService, content: str) -> None:
    job_id = post(service, body(visit(CORNER_SHOP))).json()["job_id"]
    service.finished(job_id)
    assert service.http.post(f"/api/v1/jobs/{job_id}/retry", content=content).status_code == 200
    assert service.finished(job_id)["retries"] == 1


def test_a_deleted_job_is_gone_at_once(service: RunningService) -> None:
    key = {"Idempotency-Key": "delete-me"}
    content = body(visit(CORNER_SHOP, at="to be deleted"))
    job_id = service.http.post("/api/v1/jobs", json=content, headers=key).json()["job_id"]
    service.finished(job_id)
    answer = service.http.delete(f"/api/v1/jobs/{job_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in (f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/results"):
        problem(service.http.get(path), 404, "not-found")
    assert service.http.get("/api/status", params={"jobid": job_id}).status_code == 400
    found = service.http.get("/api/visits", params={"storeid": CORNER_SHOP}).json()["results"]
    assert "to be deleted" not in str(found)
    problem(service.http.delete(f"/api/v1/jobs/{job_id}"), 404, "not-found")
    assert service.http.post("/api/v1/jobs", json=content, headers=key).json()["job_id"] != job_id


def test_an_ongoing_job_is_not_deleted_before_it_is_cancelled(
    service: RunningService, origin: Origin
) -> None:
    with held(origin, "/retry/undeleted.png", photo(8, 8)) as waits:
        job_id = post(service, body(visit(CORNER_SHOP, waits))).json()["job_id"]
        wait_for(lambda: [seen for seen in origin.requests if seen.path == "/retry/undeleted.png"])
        refusal = problem(service.http.delete(f"/api/v1/jobs/{job_id}"), 409, "conflict")
        assert "cancel it first" in refusal["detail"]
        service.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
        assert service.http.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    problem(service.http.get(f"/api/v1/jobs/{job_id}"), 404, "not-found")
