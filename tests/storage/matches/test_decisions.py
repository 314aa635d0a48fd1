"""Decisions on pairs while workers search: neither waits for the other, and a search undoes no decision."""

import asyncio

import pytest

from retailpulse.domain.reviews import Decision
from retailpulse.service import Reviews
from retailpulse.storage.matches.match import match_next
from retailpulse.storage.matches.queue import put_searches
from retailpulse.storage.matches.search import Searched
from retailpulse.storage.matches.write import lock_matches
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reviews import decide as deciding
from retailpulse.storage.reviews.decide import NewDecision
from tests.running import wait_for
from tests.storage.checking import found as broken
from tests.storage.matches.handed_in import drawn, flags, hand_in, match, matches, waiting
from tests.storage.settled import waiters

SHELF = drawn(1)
WANTED = Searched(window_days=180)


@pytest.fixture(autouse=True)
def _any_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets any two photos be decided on: their match may have gone since a person has seen it."""

    async def check_nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(deciding, "check_pair", check_nothing)


async def search(database: Database) -> None:
    """What a worker does once."""
    async with database.transaction() as connection:
        await match_next(connection, 10, WANTED)


async def test_several_pairs_in_one_transaction_do_not_deadlock_with_a_search(database: Database) -> None:
    """The search has one photo of the second pair, and finds those of the first, as it is decided on."""
    zero, first, second, third = [
        (await hand_in(database, (f"S{day}", SHELF), day=day), 1) for day in range(4)
    ]
    await match(database)
    async with database.transaction() as connection:
        await put_searches(connection, [zero, third])
    pairs = [(second, first), (third, second)]
    one, other = [
        NewDecision(photo=photo, decision=Decision.FLAG_WRONG, by="anna", pair=pair) for photo, pair in pairs
    ]
    async with database.transaction() as connection:
        await deciding.lock_reviews(connection)
        await deciding.decide(connection, one)
        searching = asyncio.create_task(search(database))
        await asyncio.to_thread(wait_for, lambda: searching.done() or waiters(database.url))
        await deciding.decide(connection, other)
    await searching
    await match(database)
    assert matches(database) == dict.fromkeys((first, second, third), (zero, "copy", "other_store", 0))
    assert (waiting(database), broken(database)) == ((0, 0), {})


async def test_a_pair_that_is_told_apart_after_it_was_found_is_not_written(database: Database) -> None:
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    await match(database)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM photo_matches")
        await put_searches(connection, [(later, 1)])
    new = NewDecision(photo=(later, 1), decision=Decision.FLAG_WRONG, by="anna", pair=(first, 1))
    async with database.transaction() as connection:
        await lock_matches(connection)
        searching = asyncio.create_task(search(database))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
        await Reviews(database).decide(new)
    await searching
    assert matches(database) == {}
    await match(database)
    assert (matches(database), flags(database, later), waiting(database)) == ({}, [], (0, 0))
    assert broken(database) == {}


async def test_a_search_waits_for_no_photo_that_is_made_known_again(database: Database) -> None:
    """It looks for what it found once more after that, also if nothing has come of it."""
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    await match(database)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM photo_matches")
        await put_searches(connection, [(first, 1)])
    async with database.transaction() as connection:
        await connection.execute("SELECT FROM known_photos WHERE job_id = %s FOR UPDATE", [later])
        await search(database)
    assert (matches(database), waiting(database)) == ({}, (0, 1))
    await match(database)
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}
    assert (waiting(database), broken(database)) == ((0, 0), {})
