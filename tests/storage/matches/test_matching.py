"""Matching: each later photo names the earliest that it is most like, whatever was settled first."""

import random
from uuid import UUID

import pytest

from retailpulse.config.settings import MatchSettings
from retailpulse.storage.matches import search
from retailpulse.storage.postgres.database import Database
from tests.storage.jobs import submit_visits
from tests.storage.matches.handed_in import change, drawn, flags, hand_in, match, matches, submit, waiting
from tests.storage.settled import settle

SHELF, FRIDGE = drawn(1), drawn(2)


async def test_a_copy_in_another_store_is_flagged_and_names_the_first(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF), ("A", FRIDGE))
    later = await hand_in(database, ("B", SHELF.changed(30)), ("B", drawn(3)), day=1)
    assert await match(database) == 4
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 30)}
    assert flags(database, later) == ["copy"]
    assert flags(database, later, 2) == flags(database, first) == []
    assert waiting(database) == (0, 0)


@pytest.mark.parametrize(
    ("changed", "kind"), [(44, "copy"), (45, "same_scene"), (60, "same_scene"), (61, None)]
)
async def test_the_kind_follows_the_distance(database: Database, changed: int, kind: str | None) -> None:
    await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF.changed(changed)), day=1)
    await match(database)
    found = matches(database).get((later, 1))
    assert (found and found[1]) == kind
    assert flags(database, later) == {"copy": ["copy"], "same_scene": ["same_scene"], None: []}[kind]


async def test_the_same_bytes_are_found_without_a_fingerprint(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF.in_file(7)))
    later = await hand_in(database, ("B", FRIDGE.in_file(7)), day=1)
    await match(database)
    assert matches(database) == {(later, 1): ((first, 1), "same_file", "other_store", 0)}
    assert flags(database, later) == ["copy"]


@pytest.mark.parametrize(
    ("store_id", "visit_time", "relation"),
    [
        ("A", "2026-11-20T10:00:00+00:00", "same_visit"),
        ("A", "2026-11-27T10:00:00+00:00", "same_store"),
        ("B", "2026-11-20T10:00:00+00:00", "other_store"),
        ("A", "", "same_store"),
    ],
)
async def test_a_relation_tells_visits_apart_and_the_same_visit_is_no_fraud(
    database: Database, store_id: str, visit_time: str, relation: str
) -> None:
    await hand_in(database, ("A", SHELF), visit_time="2026-11-20T10:00:00+00:00")
    later = await hand_in(database, (store_id, SHELF), day=1, visit_time=visit_time)
    await match(database)
    assert matches(database)[later, 1][2] == relation
    assert flags(database, later) == ([] if relation == "same_visit" else ["copy"])


async def test_a_setting_says_which_relations_raise_flags(database: Database) -> None:
    await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("A", SHELF), day=1)
    await match(database, MatchSettings(flagged="other_store"))
    assert matches(database)[later, 1][2] == "same_store"
    assert flags(database, later) == []


async def test_whatever_is_settled_first_later_submits_name_the_earliest(database: Database) -> None:
    days = [5, 2, 9, 1, 7, 4]
    jobs = {}
    for day in days:
        jobs[day] = await hand_in(database, (f"S{day}", SHELF.changed(day)), day=day)
        if day % 2:
            await match(database)
    await match(database)
    found = matches(database)
    assert set(found) == {(jobs[day], 1) for day in days if day != 1}
    assert {earlier for earlier, *_ in found.values()} == {(jobs[1], 1)}
    assert [flags(database, jobs[day]) for day in sorted(days)] == [[]] + [["copy"]] * 5


async def test_a_copy_is_preferred_to_the_same_scene_and_the_earliest_to_the_same_bytes(
    database: Database,
) -> None:
    scene = await hand_in(database, ("A", SHELF.changed(50)))
    copy = await hand_in(database, ("B", SHELF.changed(10)), day=1)
    later = await hand_in(database, ("C", SHELF.in_file(3)), day=2, visit_time="2026-11-20T10:00:00+00:00")
    again = await hand_in(database, ("C", SHELF.in_file(3)), day=3, visit_time="2026-11-20T10:00:00+00:00")
    await match(database)
    found = matches(database)
    assert found[later, 1][:3] == ((copy, 1), "copy", "other_store")
    assert found[again, 1][:3] == ((copy, 1), "copy", "other_store")
    assert found[copy, 1][0] == (scene, 1)


async def test_a_job_that_is_submitted_again_is_flagged_as_the_first_time(database: Database) -> None:
    times = ["2026-11-20T10:00:00+00:00", "2026-11-20T10:00:00+00:00", "2026-11-27T10:00:00+00:00"]
    jobs: list[UUID] = []
    for _ in range(2):
        jobs.append(await submit(database, [("A", at) for at in times], day=len(jobs)))
        await settle(database, [SHELF.in_file(3).result(jobs[-1], number) for number in (3, 1, 2)])
        await match(database)
    for job_id in jobs:
        assert [flags(database, job_id, number) for number in (1, 2, 3)] == [[], [], ["copy"]]
    assert {earlier for earlier, *_ in matches(database).values()} == {(jobs[0], 1)}


async def test_photos_out_of_the_window_or_area_are_not_compared(database: Database) -> None:
    await hand_in(database, ("A", SHELF))
    near = await hand_in(database, ("B", SHELF), day=9)
    await match(database, MatchSettings(window_days=8))
    assert matches(database) == {}
    far = await hand_in(database, ("C", SHELF), day=9.5)
    change(database, "UPDATE stores SET area_code = '7200' WHERE store_id = 'C'")
    await match(database, MatchSettings(same_area=True))
    assert matches(database) == {}
    await match(database, MatchSettings(window_days=0))
    assert (near, far) and waiting(database) == (0, 0)


async def test_one_result_of_many_images_of_a_url_is_a_copy_in_every_other_visit(database: Database) -> None:
    url = "http://photos.example/a.jpg"
    job_id = await submit_visits(database, ("RP00001", [url, url]), ("RP00002", [url]))
    await settle(database, [SHELF.in_file(5).result(job_id, 1)])
    assert waiting(database) == (1, 0)
    await match(database)
    assert matches(database) == {
        (job_id, 2): ((job_id, 1), "same_file", "same_visit", 0),
        (job_id, 3): ((job_id, 1), "same_file", "other_store", 0),
    }
    assert [flags(database, job_id, number) for number in (1, 2, 3)] == [[], [], ["copy"]]


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "encoded again and again"])
async def test_what_thousands_share_is_named_by_its_first_whatever_the_order(
    database: Database, is_one_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A placeholder: more of it than one search looks at, settled in a mixed order."""
    monkeypatch.setattr(search, "MOST_FOUND", 20)
    monkeypatch.setattr(search, "MOST_OF_KEY", 10)
    count, chunk = 130, 40
    job_id = await submit(database, [(f"S{number}", "2026-11-20T10:00:00+00:00") for number in range(count)])
    numbers = random.Random(3).sample(range(1, count + 1), count)
    for begin in range(0, count, chunk):
        some = numbers[begin : begin + chunk]
        shared = {number: SHELF.in_file(9) if is_one_file else SHELF.changed(number % 7) for number in some}
        await settle(database, [photo.result(job_id, number) for number, photo in shared.items()])
        await match(database)
    found = matches(database)
    assert len(found) == count - 1
    assert {earlier for earlier, *_ in found.values()} == {(job_id, 1)}
