"""GET /api/v1/visits: visits of all jobs by area, store and time, page by page."""

from typing import Any

import pytest

from tests.api.jobs import NOWHERE, held, new_area, photo, visit, wrong_parameter
from tests.api.paging import items_of, pages_of
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

VISITS = "/api/v1/visits"
NO_TIME = "time of store visit"


def places(service: RunningService, query: Any = None, **parameters: Any) -> list[tuple[str, str]]:
    """The store and the time of all visits that are wanted."""
    return [(one["store_id"], one["visit_time"]) for one in items_of(service, VISITS, query, **parameters)]


def test_a_visit_is_told_with_its_store_its_job_and_its_images(
    service: RunningService, origin: Origin
) -> None:
    area, (store,) = new_area(service, name="Käse & Brot")
    small = origin.serve("/visit-small.png", Reply(body=photo(30, 20)))
    big = origin.serve("/visit-big.png", Reply(body=photo(300, 200)))
    with held(origin, "/visit-slow.png", photo(8, 8)) as slow:
        job_id = service.submit(
            [visit("nobody"), visit(store, small, NOWHERE, big, slow, at="2026-11-20T15:30:00+05:30")]
        )
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 4)
        assert items_of(service, VISITS, store_id=store) == [
            {
                "job_id": job_id,
                "visit_no": 2,
                "store_id": store,
                "area_code": area,
                "store_name": "Käse & Brot",
                "visit_time": "2026-11-20T15:30:00+05:30",
                "visited_at": "2026-11-20T10:00:00Z",
                "images": 4,
                "measured": 2,
                "failed": 1,
                "cancelled": 0,
                "perimeter": 100 + 1000,
            }
        ]


def test_a_visit_without_an_instant_comes_last_and_only_where_no_time_is_asked_for(
    service: RunningService,
) -> None:
    area, (store,) = new_area(service)
    service.submit([visit(store, at=NO_TIME), visit(store, at="2026-11-20"), visit(store, at="2026-11-19")])
    told = items_of(service, VISITS, area=area)
    assert [one["visit_time"] for one in told] == ["2026-11-19", "2026-11-20", NO_TIME]
    assert told[-1]["visited_at"] is None
    assert [time for _, time in places(service, area=area, limit=1)] == ["2026-11-19", "2026-11-20", NO_TIME]
    for query in ({"visited_after": "2000-01-01"}, {"visited_before": "9999-12-31"}):
        assert [time for _, time in places(service, area=area, **query)] == ["2026-11-19", "2026-11-20"]


def test_areas_and_stores_are_found_alone_and_together(service: RunningService) -> None:
    area, (first, second) = new_area(service, stores=2)
    other_area, (other,) = new_area(service)
    service.submit([visit(store, at="2026-11-20") for store in (other, second, first, second)])

    def stores(**query: Any) -> list[str]:
        return [store for store, _ in places(service, **query)]

    assert stores(area=area) == stores(area=area, limit=1) == [first, second, second]
    assert stores(area=[other_area, area]) == [first, second, second, other]
    assert stores(area=[other_area, area], limit=2) == [first, second, second, other]
    assert stores(store_id=[second, other]) == [second, second, other]
    assert stores(area=area, store_id=[second, other], limit=1) == [second, second]
    assert stores(area=other_area, store_id=first) == []
    assert stores(area="nowhere") == stores(store_id="nobody") == []


def test_a_time_is_from_when_on_and_until_when(service: RunningService) -> None:
    area, stores = new_area(service, stores=2)
    times = ["2026-11-19T23:59:59Z", "2026-11-20", "2026-11-20T12:00:00.000001Z", "2026-11-21T00:00:00Z"]
    service.submit([visit(store, at=time) for time in reversed(times) for store in stores])

    def kept(**query: str) -> list[str]:
        for store in stores:
            alone = [time for _, time in places(service, store_id=store, **query)]
            assert places(service, area=area, limit=1, **query).count((store, times[2])) == alone.count(
                times[2]
            )
        return alone

    assert kept() == times
    assert kept(visited_after="2026-11-20") == times[1:]
    assert kept(visited_before="2026-11-21") == times[:3]
    assert kept(visited_after="2026-11-20T12:00:00.000001Z") == times[2:]
    assert kept(visited_before="2026-11-20T12:00:00.000001Z") == times[:2]
    assert kept(visited_after="2026-11-20", visited_before="2026-11-21") == times[1:3]
    assert (
        kept(visited_after="2026-11-20T05:30:00+05:30", visited_before="2026-11-20T00:00:01Z") == times[1:2]
    )
    assert kept(visited_after="2026-11-21", visited_before="2026-11-20") == []


def test_without_a_word_about_stores_all_visits_come_in_the_same_order(service: RunningService) -> None:
    area, stores = new_area(service, stores=3)
    service.submit([visit(store, at=f"1999-01-0{day}") for day in (3, 1, 2) for store in stores])
    expected = [(store, f"1999-01-0{day}") for store in stores for day in (1, 2, 3)]
    assert places(service, area=area) == expected
    query = {"visited_after": "1999-01-01", "visited_before": "1999-01-04"}
    assert places(service, **query) == expected
    for limit in (1, 2, 4, 8, 9, 10):
        assert places(service, **query, limit=limit) == expected
    everything = places(service, limit=1000)
    assert [one for one in everything if one in expected] == expected
    assert places(service, limit=7) == everything


def test_visits_that_are_added_between_pages_shift_none(service: RunningService) -> None:
    area, (first, second) = new_area(service, stores=2)
    days = [f"2026-11-2{day}" for day in range(4)]
    service.submit([visit(store, at=day) for store in (first, second) for day in days])
    told: list[tuple[str, str]] = []
    for page in pages_of(service, VISITS, area=area, limit=3):
        told += [(one["store_id"], one["visit_time"]) for one in page["items"]]
        service.submit([visit(first, at="2026-11-01"), visit(second, at="2026-11-01")])
    there = [(store, day) for store in (first, second) for day in days]
    assert [one for one in told if one in there] == there


def test_visits_of_a_deleted_job_are_gone(service: RunningService) -> None:
    area, (store,) = new_area(service)
    job_id = service.submit([visit(store)])
    service.finished(job_id)
    assert len(places(service, area=area)) == 1
    assert service.http.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    assert places(service, area=area) == []
    assert job_id not in {one["job_id"] for one in items_of(service, VISITS, limit=1000)}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"area": "\0"}, "area"),
        ({"store_id": ["RP1", "a\0b"]}, "store_id"),
        ({"visited_after": "soon"}, "visited_after"),
        ({"visited_before": "2026-11-20T25:00:00Z"}, "visited_before"),
        ({"limit": "1001"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_and_named(
    service: RunningService, query: dict[str, Any], named: str
) -> None:
    answer = service.http.get(VISITS, params=query)
    wrong_parameter(answer, named)
