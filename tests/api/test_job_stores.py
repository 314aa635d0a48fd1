"""GET /api/v1/jobs/{id}/stores: how the images of each store stand, in the order of the job."""

from typing import Any

import pytest

from tests.api.jobs import CORNER_SHOP, MARKET_HALL, NO_JOB, NOWHERE, held, photo, problem, visit
from tests.api.paging import items_of, pages_of
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def path_of(job_id: str) -> str:
    """Where the stores of a job are."""
    return f"/api/v1/jobs/{job_id}/stores"


def counts(store_id: str, images: int, causes: dict[str, int], **ended: int) -> dict[str, Any]:
    """A store as it is told."""
    named = {"settled": sum(ended.values()), "measured": 0, "failed": 0, "cancelled": 0}
    return {"store_id": store_id, "images": images, **named, **ended, "causes": causes}


def test_each_store_is_told_with_its_images_and_causes(service: RunningService, origin: Origin) -> None:
    fine, gone = origin.serve("/job-stores.png", Reply(body=photo(8, 8))), origin.url("/job-stores-gone.png")
    with held(origin, "/job-stores-slow.png", photo(8, 8)) as slow:
        job_id = service.submit(
            [
                visit(MARKET_HALL, NOWHERE, fine, gone),
                visit("nobody", fine, fine),
                visit(CORNER_SHOP, slow),
                visit(MARKET_HALL, gone, fine, slow),
            ]
        )
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 7)
        told = items_of(service, path_of(job_id))
        assert told == [
            counts(MARKET_HALL, 6, {"http_status": 2, "bad_url": 1}, measured=2, failed=3),
            counts("nobody", 2, {"store_id_not_found": 2}, failed=2),
            counts(CORNER_SHOP, 1, {}),
        ]
        assert list(told[0]["causes"]) == ["http_status", "bad_url"]
        service.http.post(f"/api/v1/jobs/{job_id}/cancel")
    assert items_of(service, path_of(job_id), store_id=[CORNER_SHOP, MARKET_HALL]) == [
        counts(
            MARKET_HALL,
            6,
            {"http_status": 2, "bad_url": 1, "cancelled": 1},
            measured=2,
            failed=3,
            cancelled=1,
        ),
        counts(CORNER_SHOP, 1, {"cancelled": 1}, cancelled=1),
    ]
    assert items_of(service, path_of(job_id), store_id="other") == []


@pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (1000, [7]), (1, [1] * 7)])
def test_pages_follow_one_another_in_the_order_of_the_job(
    service: RunningService, limit: int, sizes: list[int]
) -> None:
    names = [f"pages {number * 5 % 7}" for number in range(7)]
    job_id = service.submit([visit(name) for name in names] + [visit(name) for name in names])
    pages = list(pages_of(service, path_of(job_id), limit=limit))
    assert [len(page["items"]) for page in pages] == sizes
    told = [(item["store_id"], item["images"]) for page in pages for item in page["items"]]
    assert told == [(name, 2) for name in names]


def test_an_unknown_job_is_not_found(service: RunningService) -> None:
    for job_id in (NO_JOB, "x", "%00"):
        problem(service.http.get(path_of(job_id)), 404, "not-found")


def test_a_bad_cursor_of_any_list_is_refused(service: RunningService) -> None:
    job_id = service.submit([visit("one"), visit("two")])
    (first, _) = pages_of(service, path_of(job_id), limit=1)
    results = service.http.get(first["next"].replace("/stores?", "/results?"))
    assert problem(results, 404, "not-found")["detail"].startswith("cursor: ")
    answer = service.http.get(path_of(job_id), params={"cursor": "1"})
    assert problem(answer, 404, "not-found")["detail"].startswith("cursor: ")
