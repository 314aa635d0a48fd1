"""Tells listeners how jobs get on: one query a moment for all jobs that anyone listens to in this process.

A listener holds no connection, however many there are and however long they stay.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from uuid import UUID

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.domain.errors import Busy, DatabaseUnavailable, NotFound
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often the jobs are looked at, and so the least time between two pieces of news of one."""
BEAT_SECONDS = 15.0


class Signal(Enum):
    """Events of a stream beside the state of the job."""

    BEAT = "nothing has happened for a while"
    GONE = "the job was deleted"


class Progress:
    """Looks at jobs for all listeners; ends every listening once `stop` is set."""

    def __init__(self, database: Database, stop: asyncio.Event) -> None:
        self._database = database
        self._stop = stop
        self._heard: dict[UUID, _Heard] = {}
        self._finds: SingleFlight[UUID, JobRow | None] = SingleFlight()
        self._looking: asyncio.Task[None] | None = None

    async def find(self, job_id: UUID) -> JobRow:
        """The state of a job, at most a moment old; raises NotFound.

        Requests at the same time for one job share one look at it.
        """
        heard = self._heard.get(job_id)
        if heard is not None and not heard.is_gone:
            return heard.job
        job = await self._finds.do(job_id, partial(self._find, job_id))
        if job is None:
            raise NotFound(f"there is no job {job_id}")
        return job

    async def changes(self, job: JobRow) -> AsyncIterator[JobRow | Signal]:
        """Each change of a job since `job`, at most one per `LOOK_SECONDS`, up to its end or its deletion."""
        with self._listening(job) as heard:
            seen = job
            while seen.status is JobStatus.ONGOING and not self._stop.is_set():
                change = heard.change
                if not heard.is_gone and _state(heard.job) == _state(seen):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(asyncio.shield(change), BEAT_SECONDS)
                    if not change.done():
                        yield Signal.BEAT
                    continue
                if heard.is_gone:
                    yield Signal.GONE
                    return
                seen = heard.job
                yield seen

    async def _find(self, job_id: UUID) -> JobRow | None:
        async with self._database.connection(share=Share.STATUS) as connection:
            return await jobs.find_job(connection, job_id)

    @contextmanager
    def _listening(self, job: JobRow) -> Iterator["_Heard"]:
        heard = self._heard.setdefault(job.job_id, _Heard(job))
        heard.listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_heard())
        try:
            yield heard
        finally:
            heard.listeners -= 1
            if not heard.listeners:
                self._heard.pop(job.job_id, None)

    async def _look_while_heard(self) -> None:
        while self._heard and not self._stop.is_set():
            await stoppable_sleep(LOOK_SECONDS, self._stop)
            try:
                await self._look()
            except (DatabaseUnavailable, Busy) as error:
                logger.debug("listeners wait for the database: %s", error)
        for heard in self._heard.values():
            heard.wake()

    async def _look(self) -> None:
        wanted = list(self._heard)
        async with self._database.connection(share=Share.STATUS) as connection:
            found = await jobs.find_jobs(connection, wanted)
        for job_id in wanted:
            heard = self._heard.get(job_id)
            if heard is not None:
                heard.see(found.get(job_id))


class _Heard:
    """A job that someone listens to, as it was seen last."""

    def __init__(self, job: JobRow) -> None:
        self.job = job
        self.is_gone = False
        self.listeners = 0
        self.change: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def see(self, job: JobRow | None) -> None:
        """Takes in what was seen, and tells the listeners if that is new."""
        before = _state(self.job), self.is_gone
        self.is_gone = job is None
        self.job = job or self.job
        if (_state(self.job), self.is_gone) != before:
            self.wake()

    def wake(self) -> None:
        """Wakes the listeners."""
        self.change.set_result(None)
        self.change = asyncio.get_running_loop().create_future()


def _state(job: JobRow) -> tuple[object, ...]:
    return job.status, job.retries, job.measured, job.failed, job.cancelled
