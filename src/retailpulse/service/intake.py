"""Takes jobs in: the whole of one in a single transaction, whether it comes from memory or from a spool."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.jobs import ChunkKey, Idempotency, JobOptions, Submission, chunk_size
from retailpulse.service.backlog import Backlog, Limits
from retailpulse.storage.database import Connection, Database
from retailpulse.storage.jobs import idempotency as keys
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.jobs import insert_spooled as spooled
from retailpulse.storage.jobs.spool import Spool

_Write = Callable[[Connection, UUID, int], Awaitable[list[ChunkKey]]]
"""Writes a job under an id, in chunks of so many images; gives the chunks to work on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitPatience:
    """How long the database may take for a submit before its commit: longer the more images it has."""

    seconds: float
    images_per_second: int

    def seconds_for(self, images: int) -> float:
        """How long a submit of so many images may take."""
        return self.seconds + images / self.images_per_second


class Intake:
    """Submits over one database and its backlog."""

    def __init__(
        self, database: Database, limits: Limits, backlog: Backlog, patience: SubmitPatience
    ) -> None:
        self._database = database
        self._limits = limits
        self._backlog = backlog
        self._patience = patience

    async def submit(self, submission: Submission) -> UUID:
        """Stores a job and queues its chunks, in one transaction; it is on disk when this returns.

        With a key that has made a job before, that job. Raises Conflict where the key was another
        request's, Busy where too many images wait already.
        """
        job = _Job(
            job_id=new_job_id(),
            images=submission.image_count,
            priority=submission.options.priority,
            idempotency=submission.idempotency,
        )
        return await self._store(job, partial(_write_from_memory, submission))

    async def submit_spooled(
        self, spool: Spool, options: JobOptions, idempotency: Idempotency | None
    ) -> UUID:
        """The same for a job whose visits are all in a spool."""
        job = _Job(
            job_id=spool.job_id,
            images=spool.images,
            priority=options.priority,
            idempotency=idempotency,
        )
        return await self._store(job, partial(_write_from_spool, spool, options))

    async def _store(self, job: "_Job", write: _Write) -> UUID:
        patience_seconds = self._patience.seconds_for(job.images)
        async with self._database.transaction(patience_seconds=patience_seconds) as connection:
            if job.idempotency is not None:
                earlier = await keys.take_key(
                    connection, job.idempotency, job.job_id, self._limits.keys_hours
                )
                if earlier is not None:
                    return earlier
            await self._backlog.admit(connection, job.images)
            chunks = await write(connection, job.job_id, self._limits.chunk_images or chunk_size(job.images))
            await self._backlog.send(connection, chunks, job.priority)
        return job.job_id


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What has to be known of a job before it is written."""

    job_id: UUID
    images: int
    priority: int
    idempotency: Idempotency | None


async def _write_from_memory(
    submission: Submission, connection: Connection, job_id: UUID, chunk_images: int
) -> list[ChunkKey]:
    return await submitting.insert_job(connection, job_id, submission, chunk_images)


async def _write_from_spool(
    spool: Spool, options: JobOptions, connection: Connection, _: UUID, chunk_images: int
) -> list[ChunkKey]:
    return await spooled.insert_job(connection, spool, options, chunk_images)
