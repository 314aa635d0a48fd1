"""POST /api/v1/jobs/{id}/cancel: what has a result keeps it, the rest gets one that says why."""

from collections import Counter
from typing import Any

from tests.api.jobs import NO_JOB, NOWHERE, body, held, photo, post, problem, visit
from tests.api.paging import items_of
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def visits_of(service: RunningService, store_id: str) -> list[dict[str, Any]]:
    """All visits to a store, of whatever job."""
    return items_of(service, "/api/v1/visits", store_id=store_id)


def test_a_cancelled_job_has_a_result_for_every_image(service: RunningService, origin: Origin) -> None:
    good = origin.serve("/cancel/good.png", Reply(body=photo(9, 9)))
    with held(origin, "/cancel/held.png", photo(8, 8)) as waits:
        job = body(visit("RP00001", good, waits, waits), visit("nowhere", NOWHERE))
        job_id = post(service, job).json()["job_id"]
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 2)
        report = service.http.post(f"/api/v1/jobs/{job_id}/cancel").json()
        assert report["status"] == "cancelled"
        assert report["finished_at"] is not None
        counts = {"total": 4, "settled": 4, "measured": 1, "failed": 1, "cancelled": 2}
        assert report["images"] == counts
        assert report["causes"] == {"cancelled": 2, "store_id_not_found": 1}
        corner, unknown = report["stores"]
        assert (corner["images"], corner["failed"], corner["cancelled"]) == (3, 0, 2)
        assert corner["error"] == f"cancelled: 2 of 3 images, e.g. {waits}: the job was cancelled"
        assert (unknown["failed"], unknown["cancelled"]) == (1, 0)
        for outcome in ("failed", "cancelled"):
            assert sum(store[outcome] for store in report["stores"]) == counts[outcome]
        (seen,) = [each for each in visits_of(service, "RP00001") if each["job_id"] == job_id]
        assert [seen[name] for name in ("images", "measured", "failed", "cancelled")] == [3, 1, 0, 2]
        again = service.http.post(f"/api/v1/jobs/{job_id}/cancel")
        assert (again.status_code, again.json()["images"]) == (200, counts)
    outcomes = Counter(row["outcome"] for row in service.results(job_id))
    assert outcomes == {"measured": 1, "failed": 1, "cancelled": 2}
    old = service.http.get("/api/status", params={"jobid": job_id}).json()
    assert old["status"] == "failed"
    assert old["error"][0]["error"].startswith("failed_to_download_image: 2 of 3 images, e.g. ")
    assert old["error"][0]["error"].endswith(": the job was cancelled")


def test_only_an_ongoing_job_can_be_cancelled(service: RunningService) -> None:
    job_id = post(service, body(visit())).json()["job_id"]
    ended = service.finished(job_id)
    refusal = problem(service.http.post(f"/api/v1/jobs/{job_id}/cancel"), 409, "conflict")
    assert "has ended already" in refusal["detail"]
    assert service.job(job_id) == ended
    for unknown in (NO_JOB, "nonsense"):
        refusal = problem(service.http.post(f"/api/v1/jobs/{unknown}/cancel"), 404, "not-found")
        assert "there is no job" in refusal["detail"]
