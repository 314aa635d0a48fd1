"""Photos come, go and change while several workers match: what is left is what one alone would find."""

import asyncio
import contextlib
import random
from datetime import timedelta
from uuid import UUID

import pytest

from retailpulse.config.settings import MatchSettings
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.matches.known import make_known
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import new_photos
from retailpulse.worker.matcher import Matcher
from retailpulse.worker.pruner import Pruner
from tests.storage.checking import found as broken
from tests.storage.matches.handed_in import Photo, drawn, flags, hand_in, match, matches, rows, waiting

PICTURES = [drawn(seed) for seed in range(3)]
STEPS = 24
DAY = timedelta(days=1)


class _Lost(Exception):
    """A worker is gone in the middle of its work."""


class Storm:
    """Jobs of one photo each, by the day of their submit, and which picture the photo shows by now."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._dice = random.Random(seed)
        self.days: dict[UUID, int] = {}
        self.pictures: dict[UUID, Photo] = {}

    async def blow(self) -> None:
        """Does one thing after the other, whatever workers do meanwhile."""
        days = self._dice.sample(range(STEPS), STEPS)
        for day in days:
            await self._hand_in(day)
            await asyncio.sleep(0)
            if self._dice.random() < 0.4:
                await self._delete()
            if self._dice.random() < 0.4:
                await self._analyse_again()

    async def _hand_in(self, day: int) -> None:
        photo = self._dice.choice(PICTURES)
        job_id = await hand_in(self._database, (f"S{day}", photo), day=day)
        self.days[job_id], self.pictures[job_id] = day, photo

    async def _delete(self) -> None:
        job_id = self._dice.choice([*self.days])
        del self.days[job_id], self.pictures[job_id]
        async with self._database.transaction() as connection:
            await pruning.hide_job(connection, job_id)

    async def _analyse_again(self) -> None:
        if self.days:
            job_id, photo = self._dice.choice([*self.days]), self._dice.choice(PICTURES)
            self.pictures[job_id] = photo
            facts = photo.result(job_id, 1).measurement
            assert facts is not None
            new = new_photos.NewPhotos(job_id=job_id, image_nos=[1], fingerprints=[facts.fingerprint])
            async with self._database.transaction() as connection:
                await new_photos.put(connection, [new])

    def truth(self) -> dict[tuple[UUID, int], tuple[UUID, int]]:
        """Which earlier photo each photo that is left is a copy of."""
        found = {}
        for job_id, day in self.days.items():
            same = [
                (other_day, other)
                for other, other_day in self.days.items()
                if other_day < day and self.pictures[other] == self.pictures[job_id]
            ]
            if same:
                found[job_id, 1] = min(same)[1], 1
        return found


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_between_only_true_matches_are_left(database: Database, seed: int) -> None:
    storm = Storm(database, seed)
    over = asyncio.Event()
    workers = [asyncio.create_task(_work(database, over, number)) for number in range(3)]
    workers.append(asyncio.create_task(_prune(database, over)))
    await storm.blow()
    over.set()
    await asyncio.gather(*workers)
    await _prune(database, over)
    await match(database)
    assert {later: earlier for later, (earlier, *_) in matches(database).items()} == storm.truth()
    assert {job_id for job_id in storm.days if flags(database, job_id) == ["copy"]} == {
        job_id for job_id, _ in storm.truth()
    }
    assert set(rows(database, "SELECT job_id FROM known_photos")) == {(job_id,) for job_id in storm.days}
    assert waiting(database) == (0, 0)
    assert broken(database) == {}


async def _work(database: Database, over: asyncio.Event, number: int) -> None:
    """Matches in small rounds; the first worker often loses what it began."""
    matcher = Matcher(database, MatchSettings())
    dice = random.Random(number)
    while not over.is_set():
        if number == 0 and dice.random() < 0.5:
            with contextlib.suppress(_Lost):
                async with database.transaction() as connection:
                    await make_known(connection, 1)
                    raise _Lost
        await matcher.work_off()
        await asyncio.sleep(0.001)


async def _prune(database: Database, over: asyncio.Event) -> None:
    """Deletes the rows of jobs that clients have deleted; once at least."""
    while True:
        pruner = Pruner(database, jobs_age=None, keys_age=DAY, photos_age=None, wait=True)
        async for _ in pruner.steps():
            pass
        if over.is_set():
            return
        await asyncio.sleep(0.001)
