"""Where jobs stand, the visits of stores, the loading of the store master, and whether all of it can work."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TextIO
from uuid import UUID

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import failure_kind
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.stores import ImportSummary
from retailpulse.service.backlog import Limits
from retailpulse.service.hosts import Hosts, WaitingFor
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.read import JobRow, StoreFailure
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import workers
from retailpulse.storage.stores import load as store_master
from retailpulse.storage.stores import visits
from retailpulse.storage.stores.visits import VisitFilter, VisitRow

VISITS_PER_PAGE = 1_000
IMPORTS_AT_ONCE = 8
"""Store files that are read at once; further ones wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """The version of the tables, how many workers are alive, and what decoders on this machine lack."""

    schema: str
    workers: int
    sandbox_missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreError:
    """A store some of whose images failed in a job; `error` says how many, and one example."""

    store_id: str
    images: int
    failed: int
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobReport:
    """Where a job stands. `seconds_left` is None where it is not known, or nothing is left.

    `waiting_for` is None once the job has ended.
    """

    job: JobRow
    causes: dict[str, int]
    stores: list[StoreError]
    images_per_second: float | None
    seconds_left: float | None
    waiting_for: WaitingFor | None


class Service:
    """What can be read of jobs and visits, and the store master."""

    def __init__(self, database: Database, limits: Limits, hosts: Hosts) -> None:
        self._database = database
        self._limits = limits
        self._hosts = hosts
        self._looking: asyncio.Task[Readiness] | None = None
        # Threads of their own: slow uploads are not to hold up whatever else needs a thread.
        self._import_threads = ThreadPoolExecutor(IMPORTS_AT_ONCE, thread_name_prefix="import")

    async def status(self, job_id: UUID) -> tuple[JobStatus, list[StoreError]]:
        """The state of a job and, once it has ended with failures, its stores with failures.

        Raises NotFound.
        """
        async with self._database.connection(share=Share.STATUS) as connection:
            job = await jobs.known_job(connection, job_id)
            if job.status in {JobStatus.ONGOING, JobStatus.COMPLETED}:
                return job.status, []
            return job.status, describe_failures(await jobs.store_failures(connection, job_id))

    async def report(self, job_id: UUID) -> JobReport:
        """All about where a job stands; raises NotFound."""
        async with self._database.connection(share=Share.STATUS) as connection:
            job = await jobs.known_job(connection, job_id)
            has_causes = job.failed + job.cancelled > 0
            failures = await jobs.store_failures(connection, job_id) if has_causes else []
            causes = await jobs.cause_counts(connection, job_id) if has_causes else {}
            is_ongoing = job.status is JobStatus.ONGOING
            waits = await self._hosts.waiting_for(connection, job_id) if is_ongoing else None
        rate = _images_per_second(job)
        left = job.images - job.settled
        return JobReport(
            job=job,
            causes=causes,
            stores=describe_failures(failures),
            images_per_second=rate,
            seconds_left=round(left / rate, 1) if left and rate else None,
            waiting_for=waits,
        )

    async def check_visits(self, wanted: VisitFilter) -> None:
        """Raises InvalidRequest where the area or the store that is asked for does not exist."""
        async with self._database.connection(share=Share.READS) as connection:
            for area in wanted.area_codes:
                if not await store_master.area_exists(connection, area):
                    raise InvalidRequest(f"area: there is no area {area[:100]!r} in the store master")
            for store in wanted.store_ids:
                if not await store_master.store_exists(connection, store):
                    raise InvalidRequest(f"storeid: there is no store {store[:100]!r} in the store master")

    async def visits(self, wanted: VisitFilter) -> AsyncIterator[VisitRow]:
        """The visits that are asked for, by store, oldest first; memory is bounded."""
        after = None
        while True:
            wait_seconds = None if after is None else PAGE_WAIT_SECONDS
            async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
                page = await visits.read_visits(connection, wanted, after=after, limit=VISITS_PER_PAGE)
            for visit in page:
                yield visit
            if len(page) < VISITS_PER_PAGE:
                return
            after = page[-1].place

    async def import_stores(self, file: TextIO, *, good_lines: bool) -> ImportSummary:
        """Loads a store file, in a thread; raises InvalidRequest where it is no such file."""
        load = partial(store_master.import_stores, self._database.url, file, good_lines=good_lines)
        return await asyncio.get_running_loop().run_in_executor(self._import_threads, load)

    async def readiness(self) -> Readiness:
        """Raises DatabaseError where the database does not answer, or has tables of another version."""
        if self._looking is None:  # whoever asks meanwhile shares the answer: anybody may ask, at any rate
            self._looking = looking = asyncio.create_task(self._look())
            looking.add_done_callback(self._forget_look)
        return await asyncio.shield(self._looking)

    def _forget_look(self, looking: "asyncio.Task[Readiness]") -> None:
        self._looking = None
        if not looking.cancelled():
            looking.exception()  # told to whoever waits, if anybody still does

    async def _look(self) -> Readiness:
        schema = await self._database.check_tables()
        async with self._database.connection(share=Share.VITAL) as connection:
            alive = await workers.alive(connection, self._limits.stale_seconds)
        return Readiness(schema=schema, workers=len(alive), sandbox_missing=self._limits.sandbox_missing)


def describe_failures(failures: Iterable[StoreFailure]) -> list[StoreError]:
    """One text per store: for each kind of failure how many images it hit, and one example."""
    described = []
    for store_id, of_store in groupby(failures, key=lambda failure: failure.store_id):
        kinds: dict[str, list[StoreFailure]] = {}
        for failure in of_store:
            kinds.setdefault(failure_kind(failure.cause), []).append(failure)
        everything = [failure for some in kinds.values() for failure in some]
        described.append(
            StoreError(
                store_id=store_id,
                images=everything[0].store_images,
                failed=sum(failure.failed for failure in everything),
                error="; ".join(_describe(kind, some) for kind, some in kinds.items()),
            )
        )
    return described


def _describe(kind: str, failures: list[StoreFailure]) -> str:
    first = failures[0]
    count = sum(failure.failed for failure in failures)
    noun = "image" if first.store_images == 1 else "images"
    return f"{kind}: {count} of {first.store_images} {noun}, e.g. {first.example_url}: {first.example_detail}"


def _images_per_second(job: JobRow) -> float | None:
    """The mean rate since its first image was claimed or the last retry began, in images per second."""
    since = job.retried_at or job.started_at
    settled = job.settled - job.retried_from
    if since is None or settled == 0:
        return None
    seconds = (job.finished_at or job.read_at) - since
    return round(settled / seconds.total_seconds(), 1) if seconds.total_seconds() > 0 else None
