"""GET /api/v1/stores and /areas: the store master searched by name, id and area, and one store."""

import itertools
from typing import Any

import pytest

from tests.api.jobs import new_area, problem, put_stores, store_file, visit, wrong_parameter
from tests.api.paging import items_of, pages_of
from tests.running import RunningService

STORES, AREAS = "/api/v1/stores", "/api/v1/areas"
_words = itertools.count(1)


def load(service: RunningService, *stores: tuple[str, str, str]) -> None:
    """Loads stores, each an area, a name and an id."""
    assert put_stores(service, store_file(stores)).json()["loaded"]


def new_word() -> str:
    """A word that only one test's stores have."""
    return f"quux{next(_words)}x"


def ids(service: RunningService, **query: Any) -> list[str]:
    """The ids of all stores that are found."""
    return [store["store_id"] for store in items_of(service, STORES, **query)]


def test_a_store_is_told_with_its_area_and_name(service: RunningService) -> None:
    assert items_of(service, STORES, store_id="RP00004") == [
        {"store_id": "RP00004", "area_code": "7100016", "store_name": 'The "Little" Grocer',
         "latitude": None, "longitude": None}
    ]  # fmt: skip


def test_a_search_finds_beginnings_of_ids_then_of_names_then_all_that_hold_it(
    service: RunningService,
) -> None:
    word = new_word()
    load(
        service,
        ("search", "Alpha", f"{word}-2"),
        ("search", "Beta", f"{word.upper()}-1"),
        ("search", f"{word} gamma", "search-b"),
        ("search", f"{word.title()} beta", "search-a"),
        ("search", f"The {word} of names", "search-d"),
        ("search", "Inside", f"search-c-{word}"),
        ("search", f"{word} twice", f"{word}-3"),
        ("search", word[:-1], "search-e"),
    )
    expected = [
        f"{word.upper()}-1", f"{word}-2", f"{word}-3", "search-a", "search-b", f"search-c-{word}", "search-d",
    ]  # fmt: skip
    for text in (word, word.upper(), f" {word.title()} "):
        assert ids(service, q=text) == expected
        for limit in range(1, 9):
            assert ids(service, q=text, limit=limit) == expected
    assert ids(service, q=f"{word}-") == expected[:3]
    assert ids(service, q=f"{word} g") == ["search-b"]
    assert ids(service, q=f"{word} of n") == ["search-d"]
    assert ids(service, q=f"{word}!") == []


def test_a_search_in_areas_finds_the_same_by_ids(service: RunningService) -> None:
    word = new_word()
    load(
        service,
        (f"{word} 1", "Alpha", f"s2-{word}"),
        (f"{word} 2", f"{word} beta", "s1"),
        (f"{word} 3", f"{word} gamma", "s0"),
    )
    assert ids(service, q=word, area=f"{word} 1") == [f"s2-{word}"]
    assert ids(service, q=word, area=[f"{word} 1", f"{word} 2"]) == ["s1", f"s2-{word}"]
    assert ids(service, q=word, area=[f"{word} 1", f"{word} 2", f"{word} 2"], limit=1) == ["s1", f"s2-{word}"]
    assert ids(service, q=word, store_id=["s0", "s1", "RP00001"]) == ["s0", "s1"]
    assert ids(service, q=word, store_id=["s0", "s1"], area=f"{word} 3") == ["s0"]
    assert ids(service, q="alpha", area=f"{word} 2") == []


def test_stores_of_areas_come_by_their_ids(service: RunningService) -> None:
    area, stores = new_area(service, stores=5)
    other_area, others = new_area(service, stores=2)
    assert ids(service, area=area) == ids(service, area=area, limit=2) == stores
    assert ids(service, area=[area, other_area], limit=3) == sorted(stores + others)
    assert ids(service, area=area, store_id=[stores[3], others[0]]) == [stores[3]]
    assert ids(service, area="nowhere") == []


def test_all_stores_come_by_their_ids_page_by_page(service: RunningService) -> None:
    new_area(service, stores=40)
    everything = ids(service, limit=1000)
    assert everything == sorted(everything)
    assert {"RP00001", "RP00005"} <= set(everything)
    assert ids(service, limit=101) == everything
    assert ids(service, q="", limit=1000) == ids(service, q="  ", limit=1000) == everything


def test_stores_that_are_added_between_pages_shift_none(service: RunningService) -> None:
    area, stores = new_area(service, stores=6)
    told: list[str] = []
    for number, page in enumerate(pages_of(service, STORES, area=area, limit=2)):
        told += [store["store_id"] for store in page["items"]]
        load(service, (area, "Early", f"{area}-0{number}"))
    assert told == stores


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Café Süd", "café sÜd"),
        ("ÉCOLE", "école"),
        ("Ääkköset", "ääK"),
        ("Магазин №1", "мАгаЗИН"),
        ("100% _Fresh_", "100% _fresh_"),
        ("a\\b", "A\\B"),
        ("it's", "IT'S"),
        ("line\nbreak", "LINE\nBREAK"),
        ("\U0001f34e Fruit", "\U0001f34e fruit"),
        ("東京店", "東京"),
    ],
)
def test_letters_of_any_script_and_odd_characters_are_found_in_any_case(
    service: RunningService, name: str, text: str
) -> None:
    word = new_word()
    load(
        service,
        ("letters", f"{name} {word}", f"{word}-begins"),
        ("letters", f"{word} {name}", f"{word}-holds"),
        ("letters", f"{word} none", f"{word}-none"),
    )
    assert f"{word}-begins" in ids(service, q=text, limit=1000)
    assert ids(service, q=f"{word} {text}") == [f"{word}-holds"]
    some = [f"{word}-begins", f"{word}-none"]
    assert ids(service, q=text, area="letters", store_id=some) == [f"{word}-begins"]


def test_a_name_that_is_longer_than_its_index_is_found_by_its_end(service: RunningService) -> None:
    word = new_word()
    load(service, ("long", f"{'x' * 5_000}{word}", f"long-{word}"))
    assert ids(service, q=f"x{word}") == [f"long-{word}"]
    assert ids(service, q=f"{'X' * 3_000}{word}") == [f"long-{word}"]


def test_one_store_is_told_with_pages_of_its_visits(service: RunningService) -> None:
    area, (store, other) = new_area(service, stores=2, name="Ünited")
    days = [f"2026-11-2{day}" for day in range(5)]
    job_id = service.submit([visit(store, at=day) for day in reversed(days)] + [visit(other)])
    answer = service.http.get(f"{STORES}/{store}", params={"limit": 3})
    assert (answer.status_code, list(answer.json())) == (
        200, ["store_id", "area_code", "store_name", "latitude", "longitude", "visits"],
    )  # fmt: skip
    said = answer.json()
    assert [said["store_id"], said["area_code"], said["store_name"]] == [store, area, "Ünited"]
    assert [one["visit_time"] for one in said["visits"]["items"]] == days[:3]
    assert {one["job_id"] for one in said["visits"]["items"]} == {job_id}
    following = said["visits"]["next"]
    assert answer.headers["link"] == f'<{following}>; rel="next"'
    last = service.http.get(following).json()["visits"]
    assert ([one["visit_time"] for one in last["items"]], last["next"]) == (days[3:], None)
    some = service.http.get(
        f"{STORES}/{store}", params={"visited_after": days[1], "visited_before": f"{days[3]}T00:00:00Z"}
    ).json()["visits"]["items"]
    assert [one["visit_time"] for one in some] == days[1:3]


def test_a_store_that_nobody_visited_has_no_visits(service: RunningService) -> None:
    _, (store,) = new_area(service)
    assert service.http.get(f"{STORES}/{store}").json()["visits"] == {"items": [], "next": None}


@pytest.mark.parametrize("name", ["ü b", "a%b", "a&b=c", "a?b", "#", "'", '"', "..x", "\U0001f34e", "+"])
def test_odd_ids_are_found_by_their_path(service: RunningService, name: str) -> None:
    store = f"{name}{new_word()}"
    load(service, ("odd", "Odd", store))
    service.submit([visit(store), visit(store)])
    path = service.http.build_request("GET", f"{STORES}/x").url.copy_with(
        raw_path=f"{STORES}/{quoted(store)}?limit=1".encode()
    )
    answer = service.http.get(path)
    assert answer.json()["store_id"] == store
    following = service.http.get(answer.json()["visits"]["next"])
    assert [one["visit_no"] for one in following.json()["visits"]["items"]] == [2]


def quoted(text: str) -> str:
    """A text as a part of a path."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_an_id_with_a_slash_is_found_by_the_lists(service: RunningService) -> None:
    store = f"a/b/{new_word()}"
    load(service, ("odd", "Odd", store))
    service.submit([visit(store)])
    assert ids(service, store_id=store) == [store]
    (one,) = items_of(service, "/api/v1/visits", store_id=store)
    assert one["store_id"] == store


def test_an_unknown_store_is_not_found(service: RunningService) -> None:
    said = problem(service.http.get(f"{STORES}/nobody"), 404, "not-found")
    assert said["detail"] == "there is no store nobody in the store master"
    answer = service.http.get(f"{STORES}/%00")
    assert problem(answer, 400, "invalid-request")["detail"].startswith("store_id: ")


def test_areas_come_by_their_codes_with_the_number_of_their_stores(service: RunningService) -> None:
    made = {code: len(stores) for code, stores in (new_area(service, stores=n) for n in (3, 1, 2))}
    told = items_of(service, AREAS, limit=1000)
    assert [area["area_code"] for area in told] == sorted(area["area_code"] for area in told)
    assert made.items() <= {area["area_code"]: area["stores"] for area in told}.items()
    for limit in (1, 2, len(told) - 1, len(told), len(told) + 1):
        assert items_of(service, AREAS, limit=limit) == told


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (STORES, {"q": "a\0"}, "q"),
        (STORES, {"area": ["a", "\0"]}, "area"),
        (STORES, {"store_id": "\0"}, "store_id"),
        (STORES, {"limit": "0"}, "limit"),
        (STORES, {"cursor": "x"}, "cursor"),
        (AREAS, {"limit": "1001"}, "limit"),
        (AREAS, {"cursor": "x"}, "cursor"),
        (f"{STORES}/RP00001", {"visited_after": "x"}, "visited_after"),
        (f"{STORES}/RP00001", {"visited_before": "2026-02-30"}, "visited_before"),
        (f"{STORES}/RP00001", {"cursor": "x"}, "cursor"),
        (f"{STORES}/nobody", {"cursor": "x"}, "cursor"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_and_named(
    service: RunningService, path: str, query: dict[str, Any], named: str
) -> None:
    answer = service.http.get(path, params=query)
    wrong_parameter(answer, named)
