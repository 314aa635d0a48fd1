"""Keeps alive what this worker has leased, and claims what its hosts can bear now, again and again.

One loop over one connection: heartbeat, news of hosts, slots, claims. Weak: a database that answers slowly
slows all of these down together.
"""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID, uuid4

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.storage.postgres.connecting import cut_after
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.scheduling import losses, workers
from retailpulse.telemetry.log_fields import about
from retailpulse.worker.claimer import Claimer
from retailpulse.worker.credential_opener import CredentialOpener
from retailpulse.worker.dispatcher import Dispatcher
from retailpulse.worker.heartbeat import Heartbeat
from retailpulse.worker.held_images import HeldImage
from retailpulse.worker.image_task import WorkerContext
from retailpulse.worker.leases import Leases
from retailpulse.worker.prefetch import PERIOD_SECONDS
from retailpulse.worker.scheduler_events import SchedulerEvents
from retailpulse.worker.slot_broker import SlotBroker

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
ANSWER_SECONDS = 10.0
"""A database that has not answered by then is taken for lost."""
LEAVE_SECONDS = 2.0
"""How long the end of a worker waits for a database beyond the grace time."""
FRESH_SHARE = 0.6
"""After so much of the stale time without a heartbeat nothing is begun: others may have it soon."""
RESTART_SECONDS = 0.5


class DeclaredDead(Exception):
    """This worker was silent for so long that others were given what it had."""


class Scheduler:
    """The scheduling of one worker."""

    def __init__(
        self,
        database: Database,
        context: WorkerContext,
        events: SchedulerEvents,
        heartbeat: Heartbeat,
        *,
        worker: WorkerSettings,
        cap: int,
        process: UUID | None = None,
    ) -> None:
        """`cap` is what a host bears of which nothing is known; `process` is what others know this one by."""
        self._database = database
        self._backpressure = context.backpressure
        self._downloader = context.downloader
        self._held_images = context.held_images
        self._settler = context.settler
        self._dispatcher = Dispatcher(context)
        self._heartbeat = heartbeat
        self._suspend_detector = context.suspend_detector
        self._events = events
        self._stale_seconds = worker.stale_seconds
        self._beat_seconds = min(BEAT_SECONDS, worker.heartbeat_seconds)
        self._leases = Leases(context.downloader.hosts)
        self._broker = SlotBroker(context.downloader, context.held_images, self._leases, events, cap=cap)
        opener = CredentialOpener(context.vault)
        self._claimer = Claimer(
            context.downloader, context.held_images, self._dispatcher, self._leases, events, opener
        )
        self._loop = asyncio.get_running_loop()
        self._next_beat = 0.0
        self._worker_id = 0
        self._process = process or uuid4()
        self._left: list[HeldImage] = []
        self._outages = OutageLog(logger.warning, "the scheduling")
        events.use(self._leases)

    async def run(self) -> None:
        """Works until the worker drains."""
        while not self._backpressure.is_draining():
            try:
                async with self._database.dedicated(planned_once=True) as connection:
                    await self._work(connection)
            except DeclaredDead:
                logger.warning(
                    "this worker was taken for dead: others have its images now; it starts again with none"
                )
                self._forget_all()
            except DatabaseUnavailable as error:
                self._outages.failed(error)
                await self._backpressure.pause(RESTART_SECONDS)

    async def drain(self, *, until: float) -> None:
        """Hands back at once what has not begun, and stays alive until the rest is settled, or that time."""
        self._lay_down(self._held_images.not_running())
        is_told, outages = False, OutageLog(logger.warning, "the stop")
        while not is_told or (self._held_images.count and self._loop.time() < until):
            try:
                async with self._database.dedicated(planned_once=True) as connection:
                    with cut_after(self._query_seconds(until), connection):
                        await self._register(connection)
                        await self._drain_cycle(connection)
                    is_told = True
                    while self._held_images.count and self._loop.time() < until:
                        await self._rest(min(self._beat_seconds, until - self._loop.time()))
                        with cut_after(self._query_seconds(until), connection):
                            await self._drain_cycle(connection)
            except DeclaredDead:
                return
            except DatabaseUnavailable as error:
                outages.failed(error)
                if not self._held_images.count or self._loop.time() >= until:
                    return  # a sweep hands back what is left
                await asyncio.sleep(RESTART_SECONDS)

    def _query_seconds(self, until: float) -> float:
        return min(ANSWER_SECONDS, max(LEAVE_SECONDS, until - self._loop.time()))

    async def _drain_cycle(self, connection: Connection) -> None:
        await self._send_heartbeat(connection)
        await self._broker.look(connection, self._worker_id)
        await self._abandon_ended(connection)
        self._left += self._held_images.pop_put_down()
        await self._hand_back(connection)
        await self._broker.keep_used(connection, self._worker_id)

    def _lay_down(self, images: Iterable[HeldImage]) -> None:
        """Stops work on images, which are to be handed back."""
        for held in images:
            self._left.append(held)
            if held.task is not None:
                held.task.cancel()

    async def leave(self) -> None:
        """Gives back all that is left; raises DatabaseUnavailable, then a sweep does it."""
        async with self._database.transaction(timeout_seconds=LEAVE_SECONDS) as connection:
            images = await workers.leave(connection, [self._worker_id])
            await losses.forget(connection, self._process)
        if images:
            logger.info("handed back %d images", images)

    async def _rest(self, seconds: float) -> None:
        """Waits, but no longer than until nothing is in hand."""
        end = self._loop.time() + seconds
        while self._held_images.count and (left := end - self._loop.time()) > 0:
            self._events.wake.clear()
            await stoppable_sleep(left, self._events.wake)

    async def _work(self, connection: Connection) -> None:
        with cut_after(ANSWER_SECONDS, connection):
            await self._register(connection)
        self._outages.ended()
        self._next_beat = 0.0
        while not self._backpressure.is_draining():
            with cut_after(ANSWER_SECONDS, connection):
                await self._cycle(connection)
            await self._pause()

    async def _register(self, connection: Connection) -> None:
        """Goes on by another connection than before, under another id: see `workers.renew`."""
        if self._worker_id:
            known = {grant.grant_id for grant in self._held_images.grants() | self._settler.grants()}
            async with connection.transaction():
                worker_id = await workers.renew(connection, self._worker_id, sorted(known))
            if worker_id is None:
                raise DeclaredDead
        else:
            worker_id = await workers.register(connection, self._process)
            if (
                self._suspend_detector.busy_seconds() < self._stale_seconds / 2
            ):  # else it was an image of its own
                await losses.forget(connection, self._process)
        self._worker_id = self._events.worker_id = worker_id

    async def _pause(self) -> None:
        """Waits for events, or for the next heartbeat; claims follow each other at a steady pace."""
        if not self._events.wake.is_set():
            await stoppable_sleep(max(0.0, self._next_beat - self._loop.time()), self._events.wake)
        rest_seconds = self._claimer.claimed_at + PERIOD_SECONDS - self._loop.time()
        if rest_seconds > 0:
            await asyncio.sleep(rest_seconds)
        self._events.wake.clear()

    async def _cycle(self, connection: Connection) -> None:
        self._abandon(self._events.ended)
        self._events.ended.clear()
        is_beat = self._events.is_beat_due or self._loop.time() >= self._next_beat
        if is_beat:
            await self._beat(connection)
        if self._events.decided:
            await self._broker.share_decisions(connection, self._worker_id)
        if self._events.limited:
            await self._broker.look(connection, self._worker_id, self._events.limited)
        await self._broker.give_back(connection, self._worker_id, is_beat=is_beat)
        await self._broker.find_slots(connection, self._worker_id)
        await self._broker.find_extra(connection, self._worker_id)
        await self._claimer.claim(connection, self._worker_id)

    def _forget_all(self) -> None:
        self._abandon(self._held_images.jobs())
        self._leases.drop_all_but(())
        self._left.clear()
        self._worker_id = 0

    def _abandon(self, job_ids: Iterable[UUID]) -> None:
        for job_id in job_ids:
            if dropped := self._held_images.abandon(job_id):
                logger.info("stopped work on %d images of a job", dropped, extra=about(job_id))

    # Heartbeat

    async def _abandon_ended(self, connection: Connection) -> None:
        if held := self._held_images.jobs():
            self._abandon(await workers.ended_jobs(connection, held))

    async def _beat(self, connection: Connection) -> None:
        self._events.is_beat_due = False
        self._next_beat = self._loop.time() + self._beat_seconds
        await self._send_heartbeat(connection)
        await self._broker.look(connection, self._worker_id)
        self._events.alive = await workers.alive(connection, self._stale_seconds)
        await self._abandon_ended(connection)
        await self._broker.discover(connection)
        await self._relieve(connection)
        self._events.ready.update(self._leases.of_host)

    async def _send_heartbeat(self, connection: Connection) -> None:
        began_at = self._loop.time()
        is_stopping = self._backpressure.is_draining()
        if not await workers.beat(connection, self._worker_id, is_stopping=is_stopping):
            raise DeclaredDead
        self._heartbeat.beaten()
        self._backpressure.alive_until(began_at + FRESH_SHARE * self._stale_seconds)

    async def _relieve(self, connection: Connection) -> None:
        """Hands back images of hosts that bear much less than when these were claimed."""
        for lease in self._leases.of_host.values():
            held, parked = self._held_images.at_host(lease.host_id), self._downloader.parked_at(lease.origin)
            if surplus := lease.surplus(held, parked):
                self._lay_down(self._held_images.untried(lease.host_id)[-surplus:])
        await self._hand_back(connection)

    async def _hand_back(self, connection: Connection) -> None:
        await self._dispatcher.hand_back(connection, self._worker_id, self._left)
        self._left = []
