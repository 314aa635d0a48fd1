"""The state of jobs: counts, causes of failures, and what they wait for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import msgspec

from retailpulse.domain.images import Cause, failure_kind
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import FailedStore, Job, WaitingFor
from retailpulse.service.hosts import Hosts
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.read import JobRow, StoreFailure
from retailpulse.storage.jobs.summary import summarize
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class JobBrief:
    """A job without its stores; `example` is the first image that failed, and what its failure says."""

    job: Job
    is_stuck: bool
    example: tuple[int, str] | None


class JobReports:
    """The state of jobs, in short and in full."""

    def __init__(self, database: Database, hosts: Hosts) -> None:
        self._database = database
        self._hosts = hosts

    async def status(self, job_id: UUID) -> tuple[JobStatus, list[FailedStore]]:
        """The state of a job and, once it has ended with failures, its stores with failures.

        Raises NotFound.
        """
        async with self._database.connection(share=Share.STATUS) as connection:
            job = await jobs.known_job(connection, job_id)
            if job.status in {JobStatus.ONGOING, JobStatus.COMPLETED}:
                return job.status, []
            return job.status, describe_failures(await jobs.store_failures(connection, job_id))

    async def brief(self, job_id: UUID) -> JobBrief:
        """The state of a job from its counters alone, without its stores, and ended in time; raises NotFound.

        For pages, which show stores by themselves.
        """
        async with self._database.connection(share=Share.READS) as connection:
            job = await jobs.known_job(connection, job_id)
            waits = None
            if job.status is JobStatus.ONGOING:
                waits = await self._hosts.waiting_for(connection, job_id)
            example = await jobs.first_failure(connection, job_id) if job.failed else None
        return JobBrief(job=_whole(job, [], waits), is_stuck=job.is_stuck, example=example)

    async def report(self, job_id: UUID) -> Job:
        """The whole state of a job; raises NotFound."""
        async with self._database.connection(share=Share.STATUS) as connection:
            job = await jobs.known_job(connection, job_id)
            failures = await jobs.store_failures(connection, job_id) if job.causes else []
            is_ongoing = job.status is JobStatus.ONGOING
            waits = await self._hosts.waiting_for(connection, job_id) if is_ongoing else None
        return _whole(job, describe_failures(failures, kind_of=_kind_apart), waits)

    async def accepted(self, job: JobRow) -> Job:
        """The whole state of a job that was written a moment ago; nothing is read unless images have failed.

        What it waits for is not known yet.
        """
        stores: list[FailedStore] = []
        if job.causes:
            async with self._database.connection(share=Share.STATUS) as connection:
                failures = await jobs.store_failures(connection, job.job_id)
            stores = describe_failures(failures, kind_of=_kind_apart)
        return _whole(job, stores, None)


def _whole(job: JobRow, stores: list[FailedStore], waits: WaitingFor | None) -> Job:
    rate = _images_per_second(job)
    left = job.images - job.settled
    return Job(
        **msgspec.structs.asdict(summarize(job)),
        causes=job.causes,
        stores=stores,
        images_per_second=rate,
        seconds_left=round(left / rate, 1) if left and rate else None,
        waiting_for=waits,
    )


def describe_failures(
    failures: Iterable[StoreFailure], kind_of: Callable[[Cause], str] = failure_kind
) -> list[FailedStore]:
    """One text per store: for each kind of failure how many images it hit, and one example."""
    described = []
    for store_id, of_store in groupby(failures, key=lambda failure: failure.store_id):
        kinds: dict[str, list[StoreFailure]] = {}
        for failure in of_store:
            kinds.setdefault(kind_of(failure.cause), []).append(failure)
        everything = [failure for some in kinds.values() for failure in some]
        counts = {True: 0, False: 0}
        for failure in everything:
            counts[failure.cause is Cause.CANCELLED] += failure.images
        described.append(
            FailedStore(
                store_id=store_id,
                images=everything[0].store_images,
                failed=counts[False],
                cancelled=counts[True],
                error="; ".join(_describe(kind, some) for kind, some in kinds.items()),
            )
        )
    return described


def _kind_apart(cause: Cause) -> str:
    """As the old status endpoint, which knows no word for it, but a cancel is none of the failures."""
    return str(cause) if cause is Cause.CANCELLED else failure_kind(cause)


def _describe(kind: str, failures: list[StoreFailure]) -> str:
    first = failures[0]
    count = sum(failure.images for failure in failures)
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
