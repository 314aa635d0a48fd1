"""What is deleted, pruned, told apart or analysed again leaves no match that is not true."""

from datetime import timedelta
from uuid import UUID

import pytest

from retailpulse.config.settings import MatchSettings
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.matches import forget
from retailpulse.storage.matches.list import MatchFilter, read_matches
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import new_photos
from retailpulse.worker.pruner import Pruner
from tests.storage.checking import found as broken
from tests.storage.checking import mended
from tests.storage.matches.handed_in import (
    Photo,
    change,
    drawn,
    flags,
    hand_in,
    match,
    matches,
    rows,
    waiting,
)

SHELF, FRIDGE = drawn(1), drawn(2)
DAY = timedelta(days=1)


async def hide(database: Database, job_id: UUID) -> None:
    """Deletes a job as a client does; its rows are still there."""
    async with database.transaction() as connection:
        await pruning.hide_job(connection, job_id)


async def prune(database: Database, photos_age: timedelta | None = None) -> None:
    """Prunes to the end."""
    pruner = Pruner(database, jobs_age=None, keys_age=DAY, photos_age=photos_age, wait=True)
    async for _ in pruner.steps():
        pass


async def listed(database: Database) -> list[tuple[UUID, UUID]]:
    """The matches that readers see, by their jobs."""
    async with database.connection() as connection:
        found = await read_matches(connection, MatchFilter(), after=None, limit=10)
    return [(row.job_id, row.earlier_job_id) for row in found]


async def again(database: Database, job_id: UUID, photo: Photo) -> None:
    """Has the photo of a job known again, as an analysis of later does."""
    facts = photo.result(job_id, 1).measurement
    assert facts is not None
    new = new_photos.NewPhotos(job_id=job_id, image_nos=[1], fingerprints=[facts.fingerprint])
    async with database.transaction() as connection:
        await new_photos.put(connection, [new])


async def test_a_deleted_job_leaves_no_match_and_later_photos_name_the_next_or_lose_their_flag(
    database: Database,
) -> None:
    first, second, third = [await hand_in(database, (f"S{day}", SHELF), day=day) for day in range(3)]
    await match(database)
    assert set(await listed(database)) == {(second, first), (third, first)}
    await hide(database, first)
    assert await listed(database) == []
    assert broken(database) == {}
    await prune(database)
    await match(database)
    assert matches(database) == {(third, 1): ((second, 1), "copy", "other_store", 0)}
    assert (flags(database, second), flags(database, third)) == ([], ["copy"])
    await hide(database, second)
    await hide(database, third)
    await prune(database)
    await match(database)
    tables = ("known_photos", "fingerprints", "photo_matches", "fingerprint_queue", "match_queue")
    assert [rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in tables] == [0] * 5
    assert broken(database) == {}


async def test_a_job_that_is_deleted_before_it_is_matched_is_never_known(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    await hide(database, first)
    assert await match(database) == 1
    assert (matches(database), waiting(database)) == ({}, (0, 0))
    assert rows(database, "SELECT job_id FROM known_photos") == [(later,)]


async def test_old_photos_are_forgotten_and_their_matches_stay(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF), day=1)
    later = await hand_in(database, ("B", SHELF), day=20)
    await match(database)
    await prune(database, photos_age=timedelta(days=15))
    assert rows(database, "SELECT job_id FROM known_photos") == [(later,)]
    assert set(matches(database)) == {(later, 1)}
    third = await hand_in(database, ("C", SHELF), day=21)
    await match(database)
    assert matches(database)[third, 1][0] == (later, 1)
    assert broken(database) == {}
    assert first


async def test_a_pair_that_a_person_told_apart_is_not_matched_again(database: Database) -> None:
    first, second, third = [await hand_in(database, (f"S{day}", SHELF), day=day) for day in range(3)]
    await match(database)
    one, other = sorted([first, third])
    change(database, "INSERT INTO photo_pairs_apart VALUES (%s, 1, %s, 1)", one, other)
    async with database.transaction() as connection:
        await forget.search_again(connection, [(third, 1)])
    await match(database)
    assert matches(database)[third, 1][0] == (second, 1)
    assert flags(database, third) == ["copy"]
    change(database, "INSERT INTO photo_pairs_apart VALUES (%s, 1, %s, 1)", *sorted([second, third]))
    async with database.transaction() as connection:
        await forget.search_again(connection, [(third, 1)])
    await match(database)
    assert set(matches(database)) == {(second, 1)}
    assert flags(database, third) == []


async def test_a_photo_that_is_analysed_again_is_found_by_its_new_fingerprint_alone(
    database: Database,
) -> None:
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    await match(database)
    await again(database, first, FRIDGE)
    await match(database)
    assert (matches(database), flags(database, later)) == ({}, [])
    assert rows(database, "SELECT count(*) FROM fingerprints") == [(2,)]
    await again(database, later, FRIDGE)
    await match(database)
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}
    assert flags(database, later) == ["copy"]
    assert broken(database) == {}


async def test_a_fingerprint_of_an_older_version_is_passed_over(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF.in_file(4)))
    await match(database)
    change(database, "UPDATE known_photos SET fingerprint = '\\x00'")
    later = await hand_in(database, ("B", SHELF), ("C", FRIDGE.in_file(4)), day=1)
    await match(database)
    assert matches(database) == {(later, 2): ((first, 1), "same_file", "other_store", 0)}


async def test_matching_that_is_switched_off_empties_the_queue(database: Database) -> None:
    await hand_in(database, ("A", SHELF))
    await match(database, MatchSettings(window_days=0))
    assert (waiting(database), rows(database, "SELECT FROM known_photos")) == ((0, 0), [])


BREAKAGES = {
    "DELETE FROM photo_matches": "match_flags",
    "UPDATE results SET flags = NULL": "match_flags",
    "UPDATE photo_matches SET earlier_image_no = 7": "match_without_photo",
    "UPDATE jobs SET submitted_at = now() - submitted_at + to_timestamp(0)": "match_order",
    "DELETE FROM known_photos": "fingerprint_without_photo",
    "INSERT INTO match_queue SELECT job_id, 9 FROM jobs": "matching_in_vain",
}


@pytest.mark.parametrize("statement", BREAKAGES)
async def test_what_is_wrong_with_matches_is_found_and_mended(database: Database, statement: str) -> None:
    await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    await match(database)
    assert broken(database) == {}
    change(database, statement)
    assert BREAKAGES[statement] in broken(database)
    assert await mended(database) != []
    await match(database)
    assert broken(database) == {}
    assert flags(database, later) == (["copy"] if set(matches(database)) == {(later, 1)} else [])
