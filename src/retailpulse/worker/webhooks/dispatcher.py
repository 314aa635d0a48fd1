"""Tells the receivers of jobs that they have ended: takes deliveries, posts them, logs every try.

Beside the claims of images, with its own number of posts at once and its own connections: a receiver that
hangs costs a task that waits. How deliveries are kept is `storage.deliveries`', what follows from a try is
`retry_policy`'.
"""

import asyncio
import logging
from collections import Counter

from retailpulse.concurrency.cancellation import end_if_cancelled
from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.config.settings import CallbackSettings, FetchSettings
from retailpulse.domain.callbacks import DeliveryState
from retailpulse.domain.errors import UNEXPECTED, DatabaseUnavailable
from retailpulse.fetch import PostResult, WebhookClient
from retailpulse.schema import DeliveryTry
from retailpulse.storage.jobs import traces
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks import deliveries
from retailpulse.storage.webhooks import secrets as callback_secrets
from retailpulse.storage.webhooks.deliveries import Due
from retailpulse.telemetry.catalogue import CALLBACK_TRIES
from retailpulse.telemetry.instruments import Instruments
from retailpulse.telemetry.log_fields import about
from retailpulse.worker.job_traces import JobTraces
from retailpulse.worker.webhooks.payload import signed_payload
from retailpulse.worker.webhooks.retry_policy import decide

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often a worker that has nothing to deliver looks for something."""
LEASE_SECONDS = 10.0
"""How long beyond its deadline a try is its worker's: within it the worker reads, signs and logs."""
LOG_SECONDS, LOG_AGAIN_SECONDS = 300.0, 0.5
"""How long a worker tries to log a try while the database is away, and how often."""
RESULTS = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.PENDING: "failed",
    DeliveryState.GIVEN_UP: "given_up",
}
"""What a try is counted as, by the state of its delivery after it."""


class WebhookDispatcher:
    """Delivers what is due, a bounded number at once; at most half of them to one receiver."""

    def __init__(
        self,
        database: Database,
        client: WebhookClient,
        settings: CallbackSettings,
        instruments: Instruments,
        job_traces: JobTraces,
    ) -> None:
        self._database = database
        self._instruments = instruments
        self._job_traces = job_traces
        self._client = client
        self._settings = settings
        self._secrets = settings.secrets()
        self._lease_seconds = settings.timeout_seconds + LEASE_SECONDS
        self._share = -(-settings.concurrency // 2)
        self._running: dict[asyncio.Task[None], str] = {}
        self._outages = OutageLog(logger.warning, "the delivery of callbacks")

    async def deliver_forever(self, grace_seconds: float) -> None:
        """Delivers until it is cancelled; then finishes what is on its way, or hands it back."""
        try:
            while True:
                await self._wait(is_more=await self._begin_some())
        finally:
            await self._finish(grace_seconds)

    async def _begin_some(self) -> bool:
        """Begins as much as there is room for; says whether more may be there."""
        if len(self._running) >= self._settings.concurrency:
            return True
        try:
            async with self._database.connection() as connection:
                taken = await deliveries.lease_due(
                    connection,
                    Counter(self._running.values()),
                    room=self._settings.concurrency - len(self._running),
                    share=self._share,
                    seconds=self._lease_seconds,
                )
        except DatabaseUnavailable as error:
            end_if_cancelled(error)
            self._outages.failed(error)
            return False
        self._outages.ended()
        for due in taken:
            task = asyncio.create_task(self._deliver(due))
            self._running[task] = due.receiver
            task.add_done_callback(self._ended)
        return bool(taken)

    def _ended(self, task: asyncio.Task[None]) -> None:
        receiver = self._running.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a callback to %s could not be logged", receiver, exc_info=error)

    async def _wait(self, *, is_more: bool) -> None:
        if is_more and len(self._running) < self._settings.concurrency:
            await asyncio.sleep(0)
        elif self._running:
            timeout = None if is_more else LOOK_SECONDS
            await asyncio.wait(self._running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(LOOK_SECONDS)

    async def _deliver(self, due: Due) -> None:
        """Makes one try and logs it; cancelled before that, lets another worker make it."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        try:
            posted = await self._post_traced(due)
            if posted is not None:
                await self._log(due, posted, loop.time() - began_at)
        except asyncio.CancelledError:
            await self._hand_back(due)
            raise
        except DatabaseUnavailable as error:
            logger.warning("a callback waits for the database: %s", error, extra=about(due.key.job_id))

    async def _post_traced(self, due: Due) -> PostResult | None:
        traceparent = None
        if self._job_traces.are_on:
            async with self._database.connection() as connection:
                traceparent = await traces.find(connection, due.key.job_id)
        with self._job_traces.callback(due.key.job_id, due.receiver, traceparent) as span:
            posted = await self._post(due)
            if span is not None and posted is not None and posted.status is not None:
                span.set({"http.response.status_code": posted.status})
            return posted

    async def _post(self, due: Due) -> PostResult | None:
        """Posts; None if the job is not there any more. Raises DatabaseUnavailable."""
        try:
            async with self._database.connection() as connection:
                job = await deliveries.job_as_ended(connection, due.key)
                if job is None:
                    return None
                secrets = self._secrets or [one.text for one in await callback_secrets.signing(connection)]
            return await self._client.post(due.url, signed_payload(due.key, job, secrets, due.now))
        except DatabaseUnavailable:
            raise
        except Exception:  # a fault of ours in one callback must not keep the others from going out
            logger.exception("a callback met an unexpected error", extra=about(due.key.job_id))
            return PostResult(error=UNEXPECTED)

    async def _log(self, due: Due, posted: PostResult, seconds: float) -> None:
        """Logs a try, which may have to wait for the database; raises DatabaseUnavailable."""
        decision = decide(
            posted,
            failures=due.failures,
            pending_seconds=due.pending_seconds + seconds,
            settings=self._settings,
        )
        made = DeliveryTry(at=due.now, status=posted.status, error=posted.error, seconds=round(seconds, 3))
        loop = asyncio.get_running_loop()
        until = loop.time() + LOG_SECONDS
        while True:
            try:
                async with self._database.connection() as connection:
                    await deliveries.log_try(connection, due, made, decision.state, decision.wait_seconds)
                break
            except DatabaseUnavailable:
                if loop.time() > until:
                    raise
            await asyncio.sleep(LOG_AGAIN_SECONDS)
        self._instruments.count(CALLBACK_TRIES, RESULTS[decision.state])
        if decision.state is DeliveryState.GIVEN_UP:
            said = posted.error or f"HTTP {posted.status}"
            logger.warning("gave up a callback: %s", said, extra=about(due.key.job_id))

    async def _hand_back(self, due: Due) -> None:
        try:
            async with self._database.connection() as connection:
                await deliveries.hand_back(connection, due)
        except DatabaseUnavailable as error:  # another worker takes it when its time is over
            logger.info(
                "a callback is not handed back and waits for its time: %s", error, extra=about(due.key.job_id)
            )

    async def _finish(self, grace_seconds: float) -> None:
        """Lets what is on its way come to its end, which its own deadline bounds; hands back the rest."""
        running = set(self._running)
        if not running:
            return
        await asyncio.wait(running, timeout=grace_seconds)
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def deliver_forever(
    database: Database,
    callbacks: CallbackSettings,
    fetch: FetchSettings,
    grace_seconds: float,
    instruments: Instruments,
    job_traces: JobTraces,
) -> None:
    """Delivers callbacks until it is cancelled, then for as long as the grace lasts what is on its way."""
    client = WebhookClient(fetch, timeout_seconds=callbacks.timeout_seconds)
    try:
        dispatcher = WebhookDispatcher(database, client, callbacks, instruments, job_traces)
        await dispatcher.deliver_forever(grace_seconds)
    finally:
        client.close()
