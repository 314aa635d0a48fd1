"""GET /api/visits: which visits, in which order, with which dates and perimeters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.jobs import NOWHERE, held, new_area, photo, put_stores, store_file, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def found(service: RunningService, **query: str) -> list[dict[str, Any]]:
    """What /api/visits gives."""
    answer = service.http.get("/api/visits", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["results"]
    return list(answer.json()["results"])


def dates(service: RunningService, **query: str) -> list[str]:
    """The dates of the visits, of all stores."""
    return [row["date"] for store in found(service, **query) for row in store["data"]]


@pytest.mark.parametrize("path", ["/api/visits", "/api/visits/"])
def test_a_visit_is_told_with_its_store_and_the_sum_of_its_measured_images(
    service: RunningService, origin: Origin, path: str
) -> None:
    area, (store,) = new_area(service, name='Käse, "Brot"\nund Wein')
    small = origin.serve("/small.png", Reply(body=photo(30, 20)))
    big = origin.serve("/big.png", Reply(body=photo(300, 200)))
    service.finished(
        service.submit([visit(store, small, big, NOWHERE, small), visit(store, NOWHERE), visit(store, big)])
    )
    answer = service.http.get(path, params={"storeid": store})
    assert answer.json() == {
        "results": [
            {
                "store_id": store,
                "area": area,
                "store_name": 'Käse, "Brot"\nund Wein',
                "data": [
                    {"date": "2026-11-20", "perimeter": 100 + 1000 + 100},
                    {"date": "2026-11-20", "perimeter": 0},
                    {"date": "2026-11-20", "perimeter": 1000},
                ],
            }
        ]
    }


def test_an_area_gives_its_stores_that_were_visited_by_id(service: RunningService) -> None:
    area, stores = new_area(service, stores=4)
    other_area, (other,) = new_area(service)
    service.submit([visit(store) for store in (stores[3], other, stores[0], stores[1], stores[3])])
    told = [(store["store_id"], len(store["data"])) for store in found(service, area=area)]
    assert told == [(stores[0], 1), (stores[1], 1), (stores[3], 2)]
    assert [store["store_id"] for store in found(service, area=other_area)] == [other]


def test_area_and_store_together_give_the_store_only_where_it_is_in_the_area(service: RunningService) -> None:
    area, (first, second) = new_area(service, stores=2)
    other_area, _ = new_area(service)
    service.submit([visit(first), visit(second)])
    assert [store["store_id"] for store in found(service, area=area, storeid=second)] == [second]
    assert found(service, area=other_area, storeid=second) == []


def test_a_store_is_told_in_the_area_that_it_has_now(service: RunningService) -> None:
    area, (store,) = new_area(service)
    service.submit([visit(store)])
    assert put_stores(service, store_file([(f"{area}-new", "New name", store)])).json()["changed"] == 1
    (told,) = found(service, storeid=store)
    assert (told["area"], told["store_name"]) == (f"{area}-new", "New name")
    assert service.http.get("/api/visits", params={"area": area}).status_code == 400


def test_nothing_visited_is_an_empty_list(service: RunningService) -> None:
    area, (store,) = new_area(service)
    assert found(service, area=area) == []
    assert found(service, storeid=store, area=area, startdate="2026-01-01") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, "area or storeid"),
        ({"area": ""}, "area or storeid"),
        ({"startdate": "2026-01-01"}, "area or storeid"),
        ({"area": "nowhere"}, "area"),
        ({"area": "710001"}, "area"),
        ({"storeid": "nobody"}, "storeid"),
        ({"storeid": "rp00001"}, "storeid"),
        ({"storeid": "RP00001 "}, "storeid"),
        ({"area": "7100015", "storeid": "nobody"}, "storeid"),
        ({"area": "nowhere", "storeid": "RP00001"}, "area"),
        ({"area": "\0"}, "area"),
        ({"storeid": "\0"}, "storeid"),
        ({"storeid": "x" * 5_000}, "storeid"),
        ({"area": "7100015", "startdate": "yesterday"}, "startdate"),
        ({"area": "7100015", "startdate": "2026-02-30"}, "startdate"),
        ({"area": "7100015", "startdate": "20.11.2026"}, "startdate"),
        ({"area": "7100015", "enddate": "2026-11-20T25:00:00Z"}, "enddate"),
        ({"area": "7100015", "enddate": "2026-11-20", "startdate": "\0"}, "startdate"),
        ({"area": "7100015", "enddate": "9" * 5_000}, "enddate"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_named(
    service: RunningService, query: dict[str, str], named: str
) -> None:
    answer = service.http.get("/api/visits", params=query)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith(named)


@pytest.fixture(scope="module")
def dated(service: RunningService) -> str:
    """A store with visits at known times, submitted out of order; gives its id."""
    _, (store,) = new_area(service)
    times = [
        "2026-11-21T00:00:00Z",
        "2026-11-20T23:59:59.999999Z",
        "time of store visit",
        "2026-11-19T23:59:59Z",
        "2026-11-20T00:00:00Z",
        "2026-11-20T05:00:00+05:30",  # still the 19th in UTC
        "2026-11-22",
        "1795392000",  # the 23rd, midnight
        "a second visit without a time",
        "2026-11-20 12:00:00",
    ]
    service.finished(service.submit([visit(store, at=time) for time in times]))
    return store


ALL = ["19", "19", "20", "20", "20", "21", "22", "23"]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({"startdate": "2026-11-20", "enddate": "2026-11-20"}, ["20", "20", "20"]),
        ({"startdate": "2026-11-21"}, ["21", "22", "23"]),
        ({"enddate": "2026-11-19"}, ["19", "19"]),
        ({"enddate": "20261119"}, ["19", "19"]),
        ({"startdate": "0001-01-01"}, ALL),
        ({"enddate": "9999-12-31"}, ALL),
        ({"startdate": "0001-01-01T00:00:00Z", "enddate": "9999-12-31T23:59:59.999999Z"}, ALL),
        ({"startdate": "2026-11-20T23:59:59.999999Z", "enddate": "2026-11-21T00:00:00Z"}, ["20", "21"]),
        ({"startdate": "2026-11-20T00:00:00.000001Z", "enddate": "2026-11-20T23:59:59Z"}, ["20"]),
        ({"startdate": "2026-11-20T12:00:00Z", "enddate": "2026-11-20T12:00:00Z"}, ["20"]),
        ({"startdate": "2026-11-20T14:00:00+02:00", "enddate": "2026-11-20T07:00:00-05:00"}, ["20"]),
        ({"startdate": "2026-11-20T12:00:00", "enddate": "2026-11-20T12:00"}, ["20"]),
        ({"startdate": "1795392000"}, ["23"]),
        ({"startdate": "2026-11-21", "enddate": "2026-11-20"}, []),
        ({"startdate": "2027-01-01"}, []),
    ],
)
def test_both_ends_of_a_range_of_dates_belong_to_it(
    service: RunningService, dated: str, query: dict[str, str], days: list[str]
) -> None:
    assert dates(service, storeid=dated, **query) == [f"2026-11-{day}" for day in days]


def test_a_plus_that_was_not_escaped_is_understood(service: RunningService, dated: str) -> None:
    answer = service.http.get(
        f"/api/visits?storeid={dated}"
        "&startdate=2026-11-20T14:00:00+02:00&enddate=2026-11-20T14:00:00.000+0200"
    )
    assert [row["date"] for row in answer.json()["results"][0]["data"]] == ["2026-11-20"]


def test_without_a_date_all_come_oldest_first_and_those_without_a_time_last(
    service: RunningService, dated: str
) -> None:
    without = ["time of store visit", "a second visit without a time"]
    assert dates(service, storeid=dated) == [f"2026-11-{day}" for day in ALL] + without
    assert dates(service, storeid=dated, startdate="", enddate="") == dates(service, storeid=dated)


def test_a_store_without_a_visit_in_the_range_is_left_out(service: RunningService) -> None:
    area, (first, second, third) = new_area(service, stores=3)
    service.submit([visit(first), visit(second, at="2026-11-21"), visit(third, at="some day")])
    told = found(service, area=area, startdate="2026-11-21", enddate="2026-11-21")
    assert [store["store_id"] for store in told] == [second]


def test_visits_of_a_store_that_was_not_in_the_master_are_not_told(service: RunningService) -> None:
    late = "a store that comes late"
    service.submit([visit(late)])
    put_stores(service, store_file([("late", "Late", late)]))
    assert found(service, storeid=late) == []


def test_visits_are_told_while_their_job_is_ongoing(service: RunningService, origin: Origin) -> None:
    _, (store,) = new_area(service)
    quick = origin.serve("/visited.png", Reply(body=photo(8, 8)))
    with held(origin, "/visited-later.png", photo(80, 80)) as slow:
        job_id = service.submit([visit(store, quick, slow)])
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 1)
        assert found(service, storeid=store)[0]["data"] == [{"date": "2026-11-20", "perimeter": 32}]
    service.finished(job_id)
    assert found(service, storeid=store)[0]["data"] == [{"date": "2026-11-20", "perimeter": 32 + 320}]


def test_thousands_of_visits_come_whole_and_in_order_across_pages(service: RunningService) -> None:
    # The service reads 1,000 at a time: stores end before, at and after such a page, and one spans three.
    area, stores = new_area(service, stores=5)
    wanted = dict(zip(stores, [999, 1, 1_000, 2_500, 700], strict=True))
    start = datetime(2020, 1, 1, tzinfo=UTC)
    times = {
        store: [start + timedelta(hours=37 * number // 3) for number in range(count)]  # some share a day
        for store, count in wanted.items()
    }
    visits = [visit(store, at=time.isoformat()) for store in stores for time in reversed(times[store])]
    half = len(visits) // 2
    service.submit(visits[half:])
    service.submit(visits[:half])
    told = found(service, area=area)
    assert [store["store_id"] for store in told] == stores
    for store in told:
        expected = [time.date().isoformat() for time in times[store["store_id"]]]
        assert [row["date"] for row in store["data"]] == expected
    day = start + timedelta(days=365)
    in_range = found(service, area=area, startdate=day.isoformat(), enddate="2021-06-30")
    for store in in_range:
        expected = [
            time.date().isoformat()
            for time in times[store["store_id"]]
            if day <= time < datetime(2021, 7, 1, tzinfo=UTC)
        ]
        assert [row["date"] for row in store["data"]] == expected


def test_visits_at_the_same_instant_are_each_told_once(service: RunningService) -> None:
    _, (store,) = new_area(service)
    for _ in range(3):
        service.submit([visit(store) for _ in range(700)])
    service.submit([visit(store, at="no time") for _ in range(1_100)])
    assert dates(service, storeid=store) == ["2026-11-20"] * 2_100 + ["no time"] * 1_100
