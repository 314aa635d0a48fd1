"""Submits jobs: the whole of one in a single transaction, whether it comes from memory or from a spool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self
from uuid import UUID
from weakref import WeakValueDictionary

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import Busy
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.jobs import Idempotency, JobOptions, Submission
from retailpulse.fetch import CredentialVault, origin_key
from retailpulse.service.admission_control import AdmissionControl
from retailpulse.service.limits import Limits
from retailpulse.storage.jobs import credentials, idempotency, insert, insert_spooled, traces
from retailpulse.storage.jobs.log import log_accepted
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.spool import Spool
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.scheduling.slice_builder import JobPlace
from retailpulse.telemetry.tracing import SpanName, in_span

TURN_SECONDS = 1.0
"""How long a request waits for an earlier one with the same key."""
_Write = Callable[[Connection, JobPlace], Awaitable[JobRow]]
"""Writes a job under its id, and what waits of it; returns its row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitTimeout:
    """How long the database may take for a submit before its commit: longer the more images it has."""

    seconds: float
    images_per_second: int

    @classmethod
    def of(cls, settings: ApiSettings) -> Self:
        """That of the settings."""
        return cls(seconds=settings.submit_seconds, images_per_second=settings.submit_images_per_second)

    def seconds_for(self, images: int) -> float:
        """How long, in seconds, a submit of this many images may take."""
        return self.seconds + images / self.images_per_second


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What became of a submit: its job, and the row that was written; none if an earlier request made it."""

    job_id: UUID
    written: JobRow | None = None

    @property
    def is_replayed(self) -> bool:
        """Whether an earlier request with its key had made the job."""
        return self.written is None


class JobSubmitter:
    """Submits over one database and its admission control."""

    def __init__(
        self,
        database: Database,
        limits: Limits,
        admission: AdmissionControl,
        timeout: SubmitTimeout,
        vault: CredentialVault,
    ) -> None:
        self._database = database
        self._limits = limits
        self._admission = admission
        self._timeout = timeout
        self._vault = vault
        self._key_locks = _KeyLocks()

    async def submit(self, submission: Submission) -> Receipt:
        """Stores a job and puts its images in line, in one transaction; it is on disk when this returns.

        With a key that has made a job before, that job. Raises Conflict if the key was another
        request's, Busy if too many images wait already, InvalidRequest for credentials that cannot be used.
        """
        job_id, options = new_job_id(), submission.options
        job = self._job(job_id, submission.image_count, options, submission.idempotency)
        return await self._store(job, partial(_write_from_memory, submission))

    async def submit_spooled(
        self, spool: Spool, options: JobOptions, idempotency: Idempotency | None
    ) -> Receipt:
        """As `submit`, for a job whose visits are in a spool."""
        job = self._job(spool.job_id, spool.images, options, idempotency)
        return await self._store(job, partial(_write_from_spool, spool, options))

    def _job(self, job_id: UUID, images: int, options: JobOptions, idempotency: Idempotency | None) -> "_Job":
        sealed = self._vault.seal(job_id, options.credentials) if options.credentials else None
        if sealed is not None and idempotency is not None:
            # Of a digest a weak password could be guessed.
            blinded = self._vault.fingerprint(idempotency.request_sha256)
            idempotency = replace(idempotency, request_sha256=blinded)
        return _Job(
            job_id=job_id, images=images, priority=options.priority, idempotency=idempotency, sealed=sealed
        )

    async def _store(self, job: "_Job", write: _Write) -> Receipt:
        if job.idempotency is None:
            return await self._write(job, write)
        async with self._key_locks.hold(job.idempotency.key):
            return await self._write(job, write)

    async def _write(self, job: "_Job", write: _Write) -> Receipt:
        with in_span(SpanName.SUBMIT, {"job": str(job.job_id), "images": job.images}) as span:
            return await self._write_traced(job, write, None if span is None else span.traceparent)

    async def _write_traced(self, job: "_Job", write: _Write, traceparent: str | None) -> Receipt:
        timeout_seconds = self._timeout.seconds_for(job.images)
        async with self._database.transaction(
            share=Share.WRITES, timeout_seconds=timeout_seconds
        ) as connection:
            if job.idempotency is not None:
                earlier = await idempotency.claim_key(
                    connection, job.idempotency, job.job_id, self._limits.idempotency_hours
                )
                if earlier is not None:
                    return Receipt(job_id=earlier)
            await self._admission.admit(connection, job.images)
            written = await write(connection, JobPlace(job_id=job.job_id, priority=job.priority))
            if job.sealed is not None:
                await credentials.insert(connection, job.job_id, job.sealed)
            if traceparent is not None:
                await traces.note(connection, job.job_id, traceparent)
        log_accepted(written)
        return Receipt(job_id=job.job_id, written=written)


class _KeyLocks:
    """A lock for each idempotency key: a request with one in work waits a moment, then is refused.

    A request that waits holds no connection. Weak: only the database knows of other processes, so a request
    refused for their sake has taken a connection.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """The key for oneself during the block; raises Busy if it is in work for too long."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise Busy(idempotency.IN_WORK) from None
        try:
            yield
        finally:
            lock.release()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What has to be known of a job before it is written."""

    job_id: UUID
    images: int
    priority: int
    idempotency: Idempotency | None
    sealed: bytes | None = None


async def _write_from_memory(submission: Submission, connection: Connection, place: JobPlace) -> JobRow:
    return await insert.insert_job(connection, place, submission, origin_key)


async def _write_from_spool(
    spool: Spool, options: JobOptions, connection: Connection, place: JobPlace
) -> JobRow:
    return await insert_spooled.insert_job(connection, place, spool, options)
