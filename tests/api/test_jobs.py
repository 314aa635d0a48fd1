"""GET /api/v1/jobs/{id}: counts, causes, stores and times of a job."""

from datetime import datetime
from typing import Any

import pytest

from tests.api.jobs import CORNER_SHOP, KIOSK, MARKET_HALL, NO_JOB, NOWHERE, held, photo, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

FIELDS = [
    "job_id",
    "name",
    "status",
    "depth",
    "priority",
    "labels",
    "callback_url",
    "images",
    "flagged",
    "flags",
    "retries",
    "visits_without_time",
    "submitted_at",
    "started_at",
    "finished_at",
    "causes",
    "stores",
    "images_per_second",
    "seconds_left",
    "waiting_for",
]


def instant(text: str) -> datetime:
    """A time of an answer, which is always UTC."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_a_job_that_failed_in_parts_is_told_with_counts_causes_and_stores(
    service: RunningService, origin: Origin
) -> None:
    good = origin.serve("/counted.png", Reply(body=photo(30, 20)))
    page = origin.serve("/counted.html", Reply(body=b"<html>no photo</html>"))
    gone = origin.url("/gone.jpg")
    job_id = service.submit(
        [
            visit(MARKET_HALL, good, good),
            visit(KIOSK, gone, good, page),
            visit("nobody", good),
            visit(CORNER_SHOP, gone, NOWHERE),
            visit(KIOSK, gone),
        ],
        depth="download",
    )
    report = service.finished(job_id)
    assert list(report) == FIELDS
    assert (report["job_id"], report["status"], report["depth"]) == (job_id, "failed", "download")
    assert report["images"] == {"total": 9, "settled": 9, "measured": 3, "failed": 6, "cancelled": 0}
    assert list(report["causes"].items()) == [  # the most frequent first
        ("http_status", 3),
        ("bad_url", 1),
        ("store_id_not_found", 1),
        ("unsupported_format", 1),
    ]
    stores: list[dict[str, Any]] = report["stores"]
    assert [(store["store_id"], store["failed"], store["images"]) for store in stores] == [
        (KIOSK, 3, 4),
        ("nobody", 1, 1),
        (CORNER_SHOP, 2, 2),
    ]
    told = [{"store_id": store["store_id"], "error": store["error"]} for store in stores]
    assert told == service.http.get("/api/status", params={"jobid": job_id}).json()["error"]
    assert instant(report["submitted_at"]) <= instant(report["finished_at"])
    assert report["images_per_second"] > 0
    assert report["seconds_left"] is None


def test_a_job_without_failures_has_no_causes_and_no_stores(service: RunningService, origin: Origin) -> None:
    url = origin.serve("/well.png", Reply(body=photo(30, 20)))
    report = service.finished(service.submit([visit(CORNER_SHOP, url)]))
    assert (report["status"], report["causes"], report["stores"]) == ("completed", {}, [])
    assert report["images"] == {"total": 1, "settled": 1, "measured": 1, "failed": 0, "cancelled": 0}


def test_a_job_in_work_says_how_far_it_is(service: RunningService, origin: Origin) -> None:
    quick = origin.serve("/ready.png", Reply(body=photo(8, 8)))
    with held(origin, "/not-ready.png", photo(8, 8)) as slow:
        job_id = service.submit([visit(CORNER_SHOP, quick, slow, NOWHERE), visit("nobody")])

        def far() -> dict[str, Any] | None:
            report = service.job(job_id)
            return report if report["images"]["settled"] == 3 else None

        report = wait_for(far)
        assert report["status"] == "ongoing"
        assert report["images"] == {"total": 4, "settled": 3, "measured": 1, "failed": 2, "cancelled": 0}
        assert report["causes"] == {"bad_url": 1, "store_id_not_found": 1}
        assert [store["store_id"] for store in report["stores"]] == [CORNER_SHOP, "nobody"]
        assert report["finished_at"] is None
        assert report["images_per_second"] > 0
        assert report["seconds_left"] is not None
    assert service.finished(job_id)["images"]["settled"] == 4


def test_a_job_of_unknown_stores_alone_ends_with_the_submit(service: RunningService) -> None:
    report = service.job(service.submit([visit("nobody", NOWHERE, NOWHERE)]))
    assert report["status"] == "failed"
    assert report["causes"] == {"store_id_not_found": 2}
    assert report["finished_at"] == report["submitted_at"]


@pytest.mark.parametrize("path", ["", "/", "/results", "/results/", "/results?format=csv"])
@pytest.mark.parametrize("job_id", [NO_JOB, "1", "%00", "%ff", NO_JOB.replace("-", ""), "x" * 2_000])
def test_an_unknown_job_is_not_found(service: RunningService, job_id: str, path: str) -> None:
    answer = service.http.get(f"/api/v1/jobs/{job_id}{path}")
    assert problem(answer, 404, "not-found")["detail"].startswith("there is no job ")


def test_an_unknown_path_is_not_found_and_an_unknown_method_refused(service: RunningService) -> None:
    answer = service.http.get("/api/v1/nothing")
    assert problem(answer, 404, "not-found")["detail"] == (
        "there is nothing at /api/v1/nothing; /docs shows what there is"
    )
    answer = service.http.put(f"/api/v1/jobs/{NO_JOB}")
    problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]
