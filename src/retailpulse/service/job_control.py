"""Changes a job as a whole: cancel it, retry it, delete it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import Conflict
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.fetch import CredentialVault, origin_key
from retailpulse.service.admission_control import AdmissionControl
from retailpulse.storage.jobs import cancel as cancelling
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs import traces
from retailpulse.storage.jobs.log import log_end, log_ends
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.telemetry.tracing import SpanName, in_span

CHANGE_SECONDS = 300.0
"""How long the database may take for all images of a job."""


class JobControl:
    """What can be done to a job after its submit."""

    def __init__(self, database: Database, admission: AdmissionControl, vault: CredentialVault) -> None:
        self._database = database
        self._admission = admission
        self._vault = vault

    async def cancel(self, job_id: UUID) -> None:
        """Ends a job; its images without a result get the outcome `cancelled`.

        Does nothing if it is cancelled already. Raises NotFound, or Conflict if it has ended.
        """
        async with self._database.transaction(
            share=Share.WRITES, timeout_seconds=CHANGE_SECONDS
        ) as connection:
            is_ended = await cancelling.cancel_job(connection, job_id)
            job = await jobs.known_job(connection, job_id)
        if is_ended:
            log_end(job)
        elif job.status is not JobStatus.CANCELLED:
            raise Conflict(f"the job {job_id} has ended already; only an ongoing job can be cancelled")

    async def retry(
        self,
        job_id: UUID,
        causes: Sequence[Cause] | None,
        credentials: Mapping[str, Credential] | None = None,
    ) -> None:
        """Tries again what failed, for these causes or for all; the outcomes of before stay readable.

        `credentials` are given again for a job that had some. Raises InvalidRequest if they cannot be used;
        NotFound; Conflict if nothing can be retried; Busy if too many images wait already.
        """
        sealed = self._vault.seal(job_id, credentials) if credentials else None
        with in_span(SpanName.SUBMIT, {"job": str(job_id), "retry": True}) as span:
            async with self._database.transaction(
                share=Share.WRITES, timeout_seconds=CHANGE_SECONDS
            ) as connection:
                images = await retry_job(
                    connection, job_id, causes=causes, origin_of=origin_key, sealed=sealed
                )
                await self._admission.admit(connection, images)
                await traces.note(connection, job_id, None if span is None else span.traceparent)
        if images == 0:  # all failed again at once
            await log_ends(self._database, [job_id])

    async def delete(self, job_id: UUID) -> None:
        """Takes a job that has ended out of sight; workers delete its rows after that.

        Raises NotFound, or Conflict if it goes on.
        """
        async with self._database.transaction(share=Share.WRITES) as connection:
            await pruning.hide_job(connection, job_id)
