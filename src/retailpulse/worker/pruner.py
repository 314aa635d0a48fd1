"""Prunes in small steps, each a transaction of its own: again and again in every worker, or at once.

An advisory lock lets one step run at a time; a worker that meets another at it leaves the round to that
one. What a step deletes is in `storage.pruning`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.periodic import periodic
from retailpulse.config.settings import MatchSettings, RetentionSettings
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.matches import forget
from retailpulse.storage.metrics import throughput
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.results import thumbnails
from retailpulse.storage.scheduling import hosts

logger = logging.getLogger(__name__)

STEP_ROWS = 2_000
STEP_JOBS = 100
STEP_THUMBNAILS = 500
"""Each has some ten rows of its own where PostgreSQL keeps what is large."""
ROUND_STEPS = 500
"""Most steps of one round of a worker: a million rows."""
REST = 3.0
"""A worker rests this many times as long as a step took, so that three quarters of the time are others'."""


_NO_AGES: Mapping[ThumbnailKind, timedelta] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one step took away: jobs and images out of clients' sight, rows from the tables, keys."""

    jobs: int = 0
    images: int = 0
    rows: int = 0
    keys: int = 0

    def __add__(self, other: "Step") -> "Step":
        return Step(
            jobs=self.jobs + other.jobs,
            images=self.images + other.images,
            rows=self.rows + other.rows,
            keys=self.keys + other.keys,
        )


class _Pruned(Exception):
    """Another process is pruning at this moment."""


class Pruner:
    """Deletes what is older than the ages given; a job's age counts from its end."""

    def __init__(
        self,
        database: Database,
        *,
        jobs_age: timedelta | None,
        keys_age: timedelta,
        photos_age: timedelta | None = None,
        wait: bool,
        thumbnail_ages: Mapping[ThumbnailKind, timedelta] = _NO_AGES,
    ) -> None:
        """`photos_age`: how long photos are compared with later ones; None leaves them known.

        Thumbnails of a kind without an age are kept as long as their jobs.
        """
        self._database = database
        self._thumbnail_ages = thumbnail_ages
        self._jobs_age = jobs_age
        self._keys_age = keys_age
        self._photos_age = photos_age
        self._wait = wait

    async def steps(self) -> AsyncIterator[Step]:
        """Deletes as long as there is something, and reports each step; ends if another worker is pruning.

        Jobs are out of sight before the first row is deleted. Raises DatabaseUnavailable.
        """
        try:
            async for step in self._forget_keys():
                yield step
            async for step in self._roll_up_minutes():
                yield step
            async for step in self._forget_hosts():
                yield step
            async for step in self._forget_photos():
                yield step
            async for step in self._delete_thumbnails():
                yield step
            async for step in self._hide_old_jobs():
                yield step
            while hidden := await self._hidden():
                for job_id in hidden:
                    async for step in self._delete(job_id):
                        yield step
        except _Pruned:
            return

    async def _forget_keys(self) -> AsyncIterator[Step]:
        while True:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                keys = await pruning.forget_keys(connection, self._keys_age, STEP_ROWS)
            if not keys:
                return
            yield Step(keys=keys)

    async def _roll_up_minutes(self) -> AsyncIterator[Step]:
        while True:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                rows = await throughput.roll_up_minutes(connection, STEP_ROWS)
            if not rows:
                return
            yield Step(rows=rows)

    async def _forget_hosts(self) -> AsyncIterator[Step]:
        while True:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                await hosts.forget_old(connection)
                rows = await hosts.drop_unused(connection, STEP_ROWS)
            if not rows:
                return
            yield Step(rows=rows)

    async def _forget_photos(self) -> AsyncIterator[Step]:
        while self._photos_age is not None:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                rows = await forget.forget_old(connection, self._photos_age, STEP_ROWS)
            if not rows:
                return
            yield Step(rows=rows)

    async def _delete_thumbnails(self) -> AsyncIterator[Step]:
        for kind, age in self._thumbnail_ages.items():
            while True:
                async with self._database.transaction() as connection:
                    await self._lock(connection)
                    rows = await thumbnails.delete_old(connection, kind, age, STEP_THUMBNAILS)
                if not rows:
                    break
                yield Step(rows=rows)

    async def _hide_old_jobs(self) -> AsyncIterator[Step]:
        while self._jobs_age is not None:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                old = await pruning.hide_old(connection, self._jobs_age, STEP_JOBS)
            if not old.jobs:
                return
            yield Step(jobs=old.jobs, images=old.images)

    async def _hidden(self) -> list[UUID]:
        async with self._database.connection() as connection:
            return await pruning.hidden_jobs(connection)

    async def _delete(self, job_id: UUID) -> AsyncIterator[Step]:
        while left := await self._remains(job_id):  # a search may have written a match meanwhile
            for part in left:
                async with self._database.transaction() as connection:
                    await self._lock(connection)
                    rows = await pruning.delete(connection, part)
                yield Step(rows=rows)
        again = STEP_ROWS
        while again == STEP_ROWS:
            async with self._database.transaction() as connection:
                await self._lock(connection)
                again = await forget.forget_earlier(connection, job_id, STEP_ROWS)
            if again:
                yield Step(rows=again)
        async with self._database.transaction() as connection:
            await self._lock(connection)
            await pruning.drop_note(connection, job_id)

    async def _remains(self, job_id: UUID) -> Sequence[pruning.Rows]:
        async with self._database.connection() as connection:
            return await pruning.remains(connection, job_id, STEP_ROWS)

    async def _lock(self, connection: Connection) -> None:
        if not await pruning.lock(connection, wait=self._wait):
            raise _Pruned


def thumbnail_ages(settings: RetentionSettings) -> dict[ThumbnailKind, timedelta]:
    """How old thumbnails get, for those kinds that do not stay as long as their jobs."""
    days = {
        ThumbnailKind.THUMBNAIL: settings.thumbnails_days,
        ThumbnailKind.REVIEW: settings.review_pictures_days,
    }
    return {kind: min(timedelta(days=most), pruning.LONGEST) for kind, most in days.items() if most}


async def prune_forever(
    database: Database, settings: RetentionSettings, matches: MatchSettings | None = None
) -> None:
    """Prunes a bounded piece at a steady pace until it is cancelled."""
    pruner = Pruner(
        database,
        jobs_age=timedelta(days=settings.jobs_days) if settings.jobs_days else None,
        keys_age=timedelta(hours=settings.keys_hours),
        photos_age=timedelta(days=(matches or MatchSettings()).window_days),
        wait=False,
        thumbnail_ages=thumbnail_ages(settings),
    )
    outages = OutageLog(logger.warning, "the pruning")
    await periodic(settings.prune_seconds, partial(_prune_a_round, pruner, outages), outage_log=outages)


async def _prune_a_round(pruner: Pruner, outages: OutageLog) -> None:
    done = Step()
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    count = 0
    async for step in pruner.steps():
        outages.ended()
        done += step
        count += 1
        if count == ROUND_STEPS:
            break
        await asyncio.sleep(REST * (loop.time() - began_at))
        began_at = loop.time()
    if done != Step():
        logger.info(
            "pruned %d jobs of %d images, %d rows, %d idempotency keys",
            done.jobs,
            done.images,
            done.rows,
            done.keys,
        )
