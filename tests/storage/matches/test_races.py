"""Two workers at once, and workers that die: a match is found, and written once, whatever comes between."""

import asyncio
import contextlib
import os
import signal
from datetime import timedelta

import pytest

from retailpulse.config.settings import DatabaseSettings, MatchSettings
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.matches.known import make_known
from retailpulse.storage.matches.match import match_next
from retailpulse.storage.matches.search import Searched
from retailpulse.storage.matches.write import lock_matches
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import new_photos
from retailpulse.worker.matcher import Matcher
from retailpulse.worker.pruner import Pruner
from tests.running import wait_for
from tests.storage.checking import found as broken
from tests.storage.matches.handed_in import drawn, flags, hand_in, match, matches, waiting
from tests.storage.settled import waiters

SHELF = drawn(1)
WANTED = Searched(window_days=180)


async def search_one(database: Database, entered: asyncio.Event, leave: asyncio.Event) -> None:
    """Searches for the next photo, and commits no earlier than it may."""
    async with database.transaction() as connection:
        assert (await match_next(connection, 1, WANTED)).photos == 1
        entered.set()
        await leave.wait()


async def test_of_two_copies_that_are_matched_at_once_the_later_names_the_earlier_once(
    database: Database,
) -> None:
    """Both are known before either is looked for; both searches find the other, and write one match."""
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    for _ in range(2):  # two workers, each with one of them
        async with database.transaction() as connection:
            assert await make_known(connection, 1) == 1
    entered, leave = asyncio.Event(), asyncio.Event()
    one = asyncio.create_task(search_one(database, entered, leave))
    await entered.wait()
    other = asyncio.create_task(search_one(database, asyncio.Event(), leave))
    await asyncio.to_thread(wait_for, lambda: waiters(database.url))  # at the key of the match
    leave.set()
    await asyncio.gather(one, other)
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}
    assert (flags(database, first), flags(database, later)) == ([], ["copy"])
    assert waiting(database) == (0, 0)


async def test_who_has_found_nothing_waits_for_nobody_who_writes(database: Database) -> None:
    await hand_in(database, ("A", SHELF))
    await hand_in(database, ("B", drawn(2)), day=1)
    async with database.transaction() as connection:
        assert await make_known(connection, 2) == 2
    async with database.transaction() as writing:
        await lock_matches(writing)
        async with database.transaction() as connection:
            assert (await match_next(connection, 2, WANTED)).photos == 2
    assert (matches(database), waiting(database)) == ({}, (0, 0))


async def test_a_copy_that_is_not_committed_yet_is_found_by_its_own_search(database: Database) -> None:
    """The earlier one is looked for while the later one is not visible: the later one's search sees it."""
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    async with database.transaction() as other:
        assert await make_known(other, 1) == 1
        async with database.transaction() as connection:
            assert await make_known(connection, 1) == 1
        async with database.transaction() as connection:
            assert (await match_next(connection, 10, WANTED)).photos == 1
        assert matches(database) == {}
    await match(database)
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}


async def test_many_workers_match_mixed_photos_each_once(database: Database) -> None:
    """A dozen groups of copies over many jobs, and five workers that take what they get."""
    jobs = [
        await hand_in(database, *((f"S{day}", drawn(seed).changed(day)) for seed in range(6)), day=day)
        for day in (3, 1, 4, 0, 5, 2)
    ]
    workers = [Matcher(database, MatchSettings()) for _ in range(5)]
    await asyncio.gather(*(worker.work_off() for worker in workers))
    await match(database)
    found = matches(database)
    earliest = jobs[3]
    assert set(found) == {(job, number) for job in jobs if job != earliest for number in range(1, 7)}
    assert all(earlier == (earliest, number) for (_, number), (earlier, *_) in found.items())
    assert waiting(database) == (0, 0)


async def test_what_an_image_showed_before_never_overtakes_what_it_shows_now(database: Database) -> None:
    """A worker is slow with the older of two fingerprints of an image; another one leaves the newer alone."""
    first = await hand_in(database, ("A", SHELF))
    await match(database)
    later = await hand_in(database, ("B", drawn(2)), day=1)
    facts = SHELF.result(later, 1).measurement
    assert facts is not None
    newer = new_photos.NewPhotos(job_id=later, image_nos=[1], fingerprints=[facts.fingerprint])
    async with database.transaction() as slow:
        assert len(await new_photos.next_photos(slow, 1)) == 1
        async with database.transaction() as connection:
            await new_photos.put(connection, [newer])
        assert await match(database) == 0
    await match(database)
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}
    assert waiting(database) == (0, 0)


async def test_a_match_that_is_written_while_its_job_is_deleted_goes_with_it(database: Database) -> None:
    """The job had no match when the pruning looked what there was, and its photo was known still."""
    await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    async with database.transaction() as connection:
        assert await make_known(connection, 2) == 2
    async with database.transaction() as connection:
        await pruning.hide_job(connection, later)
    pruner = Pruner(database, jobs_age=None, keys_age=timedelta(days=1), wait=True)
    steps = pruner.steps()
    assert (await anext(steps)).rows == 1
    await match(database)
    assert set(matches(database)) == {(later, 1)}
    async for _ in steps:
        pass
    assert (matches(database), broken(database)) == ({}, {})


@pytest.mark.parametrize("phase", ["before all", "between", "before the end"])
async def test_a_worker_that_is_killed_leaves_no_match_lost_or_doubled(
    database: Database, phase: str
) -> None:
    first = await hand_in(database, ("A", SHELF))
    later = await hand_in(database, ("B", SHELF), day=1)
    child = os.fork()
    if child == 0:  # no worker of the product, but all of it that matters here
        with contextlib.suppress(BaseException):
            asyncio.run(die(database.url, phase))
        os._exit(9)
    status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.WTERMSIG(status[1]) == signal.SIGKILL
    assert matches(database) == {}
    assert waiting(database) == ((0, 2) if phase != "before all" else (2, 0))
    assert await match(database) == 2
    assert matches(database) == {(later, 1): ((first, 1), "copy", "other_store", 0)}
    assert flags(database, later) == ["copy"]
    assert waiting(database) == (0, 0)


async def die(url: str, phase: str) -> None:
    """Matches by connections of its own, and is killed within the phase."""
    async with Database(url, DatabaseSettings()) as database:
        async with database.transaction() as connection:
            assert await make_known(connection, 10) == 2
            if phase == "before all":
                os.kill(os.getpid(), signal.SIGKILL)
        if phase == "between":
            os.kill(os.getpid(), signal.SIGKILL)
        async with database.transaction() as connection:
            assert (await match_next(connection, 10, WANTED)).matches.total() == 1
            os.kill(os.getpid(), signal.SIGKILL)
