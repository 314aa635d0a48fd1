"""The life of a worker process: claim, fetch, measure, settle, sweep, prune, deliver, and a clean stop."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any

import procrastinate
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from retailpulse.config.settings import (
    CallbackSettings,
    FetchSettings,
    MeasureSettings,
    RetentionSettings,
    WorkerSettings,
)
from retailpulse.domain.jobs import LARGEST_CHUNK_IMAGES
from retailpulse.fetch import Downloader
from retailpulse.measure import Decoders
from retailpulse.observability.reporting import Reporter
from retailpulse.storage import queue
from retailpulse.storage.database import Database
from retailpulse.worker.admission import Admission
from retailpulse.worker.chunk import HandBack, Tools, work_on
from retailpulse.worker.claims import CHUNKS_PER_CHUNK, Claims
from retailpulse.worker.courier import deliver_forever
from retailpulse.worker.heartbeat import beat_forever
from retailpulse.worker.measures import Measures
from retailpulse.worker.memory import keep_freed_memory
from retailpulse.worker.messages import Messages
from retailpulse.worker.pruner import prune_forever
from retailpulse.worker.pulse import Pulse
from retailpulse.worker.settler import Settler
from retailpulse.worker.sweeper import sweep_forever

logger = logging.getLogger(__name__)

UNMEASURED_BYTES = 32_000_000
"""Bodies that may wait to be measured; more only delays what is fetched next."""
COLLECTOR_THRESHOLDS = (50_000, 50, 1_000)
"""The garbage collector looks through every object and finds nothing; at Python's thresholds that took a
fifth of the time at depth `header`."""
RESTART_SECONDS = 1.0
LAST_WRITE_SECONDS = 5.0
"""How long a stopping worker tries to write the results that it still holds."""


class _HandBackStrategy(BaseRetryStrategy):
    """Gives a message back at once where the worker stops.

    Any other failure ends the message; the sweep sends a new one while the chunk is open.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002  # the queue's signature
        if isinstance(exception, HandBack | JobAborted | asyncio.CancelledError):
            return RetryDecision(retry_at=queue.AT_ONCE)
        return None


class _PatientManager(JobManager):
    """Fetches the queue's next message only when there is room for its chunk; a lost one is no error."""

    def __init__(self, app: procrastinate.App, claims: Claims) -> None:
        super().__init__(app.connector)
        self._claims = claims

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        if not await self._claims.room():
            return None
        return await super().fetch_job(queues, worker_id)

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job_by_id_async(job_id, status, delete_job)
        except ConnectorException as error:
            if not queue.says_gone(error):
                raise
            logger.info("message %d was taken away while it was worked on", job_id)


def _tune_memory() -> None:
    keep_freed_memory()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def run_worker(
    database: Database,
    *,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    retention: RetentionSettings | None = None,
    callbacks: CallbackSettings | None = None,
    stop: asyncio.Event,
) -> None:
    """Works until `stop` is set; then settles what is in flight and hands back the rest.

    Raises what ended one of its parts before that, once it has handed back its work.
    """
    _tune_memory()
    app, messages, measures = queue.make_app(), Messages(), Measures()
    reporting = Reporter(database, "worker", measures.read).reporting(worker.heartbeat_seconds)
    async with reporting, _tools(database, worker, fetch, measure, measures) as (tools, settling):
        _register(app, tools, messages)
        app.job_manager = _PatientManager(app, tools.claims)
        beating = beat_forever(app, messages, worker.heartbeat_seconds)
        async with app.open_async(database.pool), _beside(beating):
            sweeping = asyncio.create_task(sweep_forever(database, app, messages, worker))
            pruning = asyncio.create_task(prune_forever(database, retention or RetentionSettings()))
            delivering = asyncio.create_task(
                deliver_forever(database, callbacks or CallbackSettings(), fetch, worker.grace_seconds)
            )
            claiming = asyncio.create_task(_claim_until_draining(app, worker, tools.admission))
            stopping = asyncio.create_task(stop.wait())
            logger.info("ready to work")
            parts = {sweeping, pruning, delivering, claiming, settling, stopping}
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            logger.info("stopping: what is in flight is settled, the rest handed back")
            tools.admission.drain()
            for task in (stopping, sweeping, pruning, delivering, claiming):
                task.cancel()
            for task in (claiming, delivering, sweeping, pruning):
                with contextlib.suppress(asyncio.CancelledError):
                    await task


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Lets something go on until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _tools(
    database: Database,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    measures: Measures,
) -> AsyncIterator[tuple[Tools, asyncio.Task[None]]]:
    """What every chunk shares, and the writing of results, which ends only with the block."""
    admission = Admission(UNMEASURED_BYTES)
    downloader = Downloader(fetch, admit=admission.admit, observe=measures.transferred)
    settler = Settler(database, worker, measures.settled)
    settling = asyncio.create_task(settler.run())
    pulse = Pulse()
    decoders = Decoders(measure, observe=measures.decoded)
    measures.in_flight, measures.decoder_crashes = downloader.in_flight, lambda: decoders.crashes
    claims = _claims(worker, downloader, admission)
    try:
        async with _beside(pulse.beat_forever()):
            tools = Tools(
                database=database,
                downloader=downloader,
                admission=admission,
                settler=settler,
                decoders=decoders,
                claims=claims,
                measures=measures,
                pulse=pulse,
                max_pixels=measure.max_pixels,
                pause_seconds=measure.pause(),
            )
            yield tools, settling
    finally:
        await _write_the_last(settler, settling)
        await downloader.aclose()
        await decoders.aclose()
        if settling.done() and not settling.cancelled():
            settling.result()


def _claims(settings: WorkerSettings, downloader: Downloader, admission: Admission) -> Claims:
    return Claims(
        chunk_images=settings.chunk_images or LARGEST_CHUNK_IMAGES,
        chunks=settings.chunks,
        parked=downloader.parked,
        admission=admission,
    )


async def _write_the_last(settler: Settler, settling: asyncio.Task[None]) -> None:
    """Lets the writing end once it has tried to write what is left."""
    settler.close()
    await asyncio.wait([settling], timeout=LAST_WRITE_SECONDS)
    settling.cancel()


def _register(app: procrastinate.App, tools: Tools, messages: Messages) -> None:
    @app.task(name=queue.TASK, queue=queue.QUEUE, retry=_HandBackStrategy(), pass_context=True)
    async def work_on_chunk(context: procrastinate.JobContext, /, **arguments: Any) -> None:
        with messages.working_on(context.job):
            await work_on(queue.chunk_key(arguments), tools, context.job.id)


async def _claim_until_draining(
    app: procrastinate.App, settings: WorkerSettings, admission: Admission
) -> None:
    """Runs the queue's worker, again and again: it ends, with or without an error, without its database.

    It may answer a cancellation with such an error, so this looks for itself whether to go on.
    """
    while not admission.is_draining():
        try:
            await app.run_worker_async(
                queues=[queue.QUEUE],
                concurrency=settings.chunks * CHUNKS_PER_CHUNK,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=settings.heartbeat_seconds,
                stalled_worker_timeout=settings.stale_seconds,
                fetch_job_polling_interval=settings.sweep_seconds,
                shutdown_graceful_timeout=settings.grace_seconds,
            )
            logger.warning("the queue's worker ended; it starts again")
        except ConnectorException as error:
            logger.warning("the queue waits for the database: %s", error)
        await admission.pause(RESTART_SECONDS)
