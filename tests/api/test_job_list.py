"""GET /api/v1/jobs: which jobs, the newest first, by state, label, store and time, page by page."""

import itertools
from typing import Any

import pytest

from tests.api.jobs import (
    CORNER_SHOP,
    MARKET_HALL,
    NOWHERE,
    body,
    held,
    new_area,
    photo,
    visit,
    wrong_parameter,
)
from tests.api.paging import items_of, pages_of
from tests.origin import Origin, Reply
from tests.running import RunningService

JOBS = "/api/v1/jobs"
_sets = itertools.count(1)


def submit(service: RunningService, *visits: Any, **fields: Any) -> str:
    """Submits a job with all that may be said of one."""
    answer = service.http.post(JOBS, json=body(*visits or [visit()], **fields))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def new_set() -> str:
    """The value of a label that only one test's jobs have."""
    return f"list {next(_sets)}"


def ids(service: RunningService, **query: Any) -> list[str]:
    """The ids of all jobs that are wanted."""
    return [item["job_id"] for item in items_of(service, JOBS, **query)]


def test_a_job_is_told_as_by_itself_without_what_must_be_counted(service: RunningService) -> None:
    label = new_set()
    job_id = submit(service, name="week 47", priority=7, labels={"set": label, "region": "north"})
    report = service.finished(job_id)
    (item,) = items_of(service, JOBS, label=f"set:{label}")
    for name in ("causes", "stores", "images_per_second", "seconds_left", "waiting_for"):
        del report[name]
    assert item == report
    assert (item["name"], item["priority"], item["status"]) == ("week 47", 7, "failed")
    assert item["submitted_at"].endswith("Z")


def test_every_state_is_found_alone_and_with_others(service: RunningService, origin: Origin) -> None:
    label = new_set()
    labels = {"set": label}
    fine = origin.serve("/job-list.png", Reply(body=photo(8, 8)))
    with held(origin, "/job-list-slow.png", photo(8, 8)) as slow:
        found = {
            "completed": submit(service, visit(CORNER_SHOP, fine), labels=labels),
            "failed": submit(service, visit(CORNER_SHOP, NOWHERE), labels=labels),
            "cancelled": submit(service, visit(CORNER_SHOP, slow), labels=labels),
            "ongoing": submit(service, visit(CORNER_SHOP, slow), labels=labels),
        }
        service.finished(found["completed"])
        service.finished(found["failed"])
        assert service.http.post(f"{JOBS}/{found['cancelled']}/cancel").status_code == 200
        newest_first = list(reversed(found.values()))
        assert ids(service, label=f"set:{label}") == newest_first
        for count in range(1, 5):
            for statuses in itertools.combinations(found, count):
                wanted = [job_id for job_id in newest_first if job_id in {found[name] for name in statuses}]
                assert ids(service, label=f"set:{label}", status=list(statuses)) == wanted
                assert ids(service, label=f"set:{label}", status=[*statuses, *statuses], limit=1) == wanted


def test_of_several_values_of_a_label_each_will_do_and_of_several_names_all_must_fit(
    service: RunningService,
) -> None:
    label = new_set()
    north_a = submit(service, labels={"set": label, "region": "north", "team": "a"})
    south_a = submit(service, labels={"set": label, "region": "south", "team": "a"})
    north_b = submit(service, labels={"set": label, "region": "north", "team": "b"})
    submit(service)

    def labelled(*labels: str) -> list[str]:
        return ids(service, label=[f"set:{label}", *labels])

    assert labelled("region:north") == [north_b, north_a]
    assert labelled("region:north", "region:south") == [north_b, south_a, north_a]
    assert labelled("region:north", "team:a") == [north_a]
    assert labelled("region:north", "region:south", "team:a") == [south_a, north_a]
    assert labelled("region:") == labelled("region:nort") == labelled("regio:north") == []


@pytest.mark.parametrize("name", ["week {}", "ü %_\\ {}", "' {}", "null {}"])
def test_jobs_are_found_by_their_whole_name(service: RunningService, name: str) -> None:
    name = name.format(new_set())
    one, two = submit(service, name=name), submit(service, name=name)
    submit(service, name=f"{name}7")
    submit(service)
    assert ids(service, name=name) == ids(service, name=name, limit=1) == [two, one]
    assert ids(service, name=name, status=["failed", "completed", "ongoing"]) == [two, one]
    assert ids(service, name=name, label="region:north") == []
    assert (
        ids(service, name=name.upper() + "X") == ids(service, name=name[:-1]) == ids(service, name="") == []
    )


@pytest.mark.parametrize("value", ["a:b", "", '{"x":1}', "ü %_\\", "'", "null", "x" * 200])
def test_odd_values_of_a_label_are_found_word_for_word(service: RunningService, value: str) -> None:
    label = new_set()
    job_id = submit(service, labels={"set": label, "odd": value})
    submit(service, labels={"set": label, "odd": f"{value}."[:200] if len(value) < 200 else "x"})
    assert ids(service, label=[f"set:{label}", f"odd:{value}"]) == [job_id]


def test_jobs_are_found_by_their_stores_known_or_not(service: RunningService) -> None:
    _, (first, second) = new_area(service, stores=2)
    unknown, long = f"no {first}", f"{first} {'x' * 9_000}"
    one = submit(service, visit(first), visit(first), visit(CORNER_SHOP))
    both = submit(service, visit(second), visit(first), visit(unknown))
    other = submit(service, visit(long), visit(MARKET_HALL))
    assert ids(service, store_id=first) == [both, one]
    assert ids(service, store_id=second) == [both]
    assert ids(service, store_id=[second, first], limit=1) == [both, one]
    assert ids(service, store_id=unknown) == [both]
    assert ids(service, store_id=long) == [other]
    assert ids(service, store_id=[long, first]) == [other, both, one]
    assert ids(service, store_id=f"{unknown}?") == []


def test_jobs_are_found_by_when_they_were_submitted(service: RunningService) -> None:
    label = f"set:{new_set()}"
    made = [submit(service, labels={"set": label.partition(":")[2]}) for _ in range(3)]
    first, second, third = (service.job(job_id)["submitted_at"] for job_id in made)
    assert first < second < third
    assert ids(service, label=label, submitted_after=second) == [made[2], made[1]]
    assert ids(service, label=label, submitted_before=second) == [made[0]]
    assert ids(service, label=label, submitted_after=first, submitted_before=third) == [made[1], made[0]]
    assert ids(service, label=label, submitted_after=third, submitted_before=third) == []
    assert ids(service, label=label, submitted_before="2026-01-01") == []
    assert ids(service, label=label, submitted_after="2026-01-01T00:00:00+05:30") == list(reversed(made))
    assert ids(service, label=label, submitted_before="0001-01-01") == []


def test_all_filters_together_leave_what_fits_them_all(service: RunningService) -> None:
    label = new_set()
    _, (store,) = new_area(service)
    wanted = submit(service, visit(store), labels={"set": label})
    submit(service, visit(store))  # no label
    submit(service, visit(CORNER_SHOP), labels={"set": label})  # another store
    service.finished(wanted)
    at = service.job(wanted)["submitted_at"]
    query = {"label": f"set:{label}", "store_id": store, "status": "failed", "submitted_after": at}
    assert ids(service, **query, submitted_before="2100-01-01") == [wanted]
    assert ids(service, **query, submitted_before=at) == []
    assert ids(service, **query | {"status": "completed"}) == []


def test_pages_keep_their_places_while_jobs_are_added(service: RunningService) -> None:
    label = new_set()
    there = [submit(service, labels={"set": label}) for _ in range(7)]
    told: list[str] = []
    for page in pages_of(service, JOBS, label=f"set:{label}", limit=2):
        told += [item["job_id"] for item in page["items"]]
        submit(service, labels={"set": label})
    assert told == list(reversed(there))
    assert len(ids(service, label=f"set:{label}", limit=3)) == 7 + 4


def test_jobs_that_change_their_state_between_pages_are_told_once(
    service: RunningService, origin: Origin
) -> None:
    label = new_set()
    with held(origin, "/job-list-change.png", photo(8, 8)) as slow:
        there = [submit(service, visit(CORNER_SHOP, slow), labels={"set": label}) for _ in range(4)]
        pages = pages_of(service, JOBS, label=f"set:{label}", limit=2)
        told = [item["job_id"] for item in next(pages)["items"]]
        for job_id in there:
            assert service.http.post(f"{JOBS}/{job_id}/cancel").status_code == 200
        told += [item["job_id"] for page in pages for item in page["items"]]
    assert told == list(reversed(there))


def test_without_a_limit_a_page_has_a_hundred_and_the_last_has_no_next(service: RunningService) -> None:
    label = new_set()
    there = [submit(service, labels={"set": label}) for _ in range(101)]
    pages = list(pages_of(service, JOBS, label=f"set:{label}"))
    assert [len(page["items"]) for page in pages] == [100, 1]
    assert [len(page["items"]) for page in pages_of(service, JOBS, label=f"set:{label}", limit=101)] == [101]
    assert [item["job_id"] for page in pages for item in page["items"]] == list(reversed(there))


def test_nothing_that_fits_is_an_empty_page(service: RunningService) -> None:
    answer = service.http.get(JOBS, params={"label": "set:nobody's"})
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"status": "done"}, "status"),
        ({"status": ["failed", ""]}, "status"),
        ({"label": "region"}, "label"),
        ({"label": ":north"}, "label"),
        ({"label": "region:no\0rth"}, "label"),
        ({"store_id": "RP\0"}, "store_id"),
        ({"submitted_after": "yesterday"}, "submitted_after"),
        ({"submitted_before": ""}, "submitted_before"),
        ({"submitted_before": "2026-13-01"}, "submitted_before"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_and_named(
    service: RunningService, query: dict[str, Any], named: str
) -> None:
    answer = service.http.get(JOBS, params=query)
    wrong_parameter(answer, named)
