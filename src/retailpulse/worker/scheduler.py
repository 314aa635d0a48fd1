"""Keeps alive what this worker has leased, and claims what its hosts can bear now, again and again.

One loop over one connection: heartbeat, news of hosts, slots, claims. Weak: a database that answers slowly
slows all of these down together.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from retailpulse.config.settings import FetchSettings, WorkerSettings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.fetch import Downloader
from retailpulse.storage.database import Connection, Database, cut_after
from retailpulse.storage.scheduling import hosts, leases, workers
from retailpulse.storage.scheduling.enqueue import BUCKETS
from retailpulse.storage.scheduling.leases import Waiting
from retailpulse.storage.scheduling.notifications import LIMITS_CHANNEL, notify_hosts
from retailpulse.worker.admission import Admission
from retailpulse.worker.claimer import HOSTS_AT_ONCE, Claimer
from retailpulse.worker.dispatcher import Dispatcher
from retailpulse.worker.heartbeat import Heartbeat
from retailpulse.worker.in_hand import HeldImage, InHand
from retailpulse.worker.leases import Lease, Leases
from retailpulse.worker.news import News
from retailpulse.worker.rooms import PERIOD_SECONDS
from retailpulse.worker.settler import Settler

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
ANSWER_SECONDS = 10.0
"""A database that has not answered by then is taken for lost."""
LEAVE_SECONDS = 2.0
"""How long the end of a worker waits for a database beyond the grace time."""
FRESH_SHARE = 0.6
"""After so much of the stale time without a heartbeat nothing is begun: others may have it soon."""
DISCOVERED_AT_ONCE = 1_000
RESTART_SECONDS = 0.5
_BEFORE_ALL = -(2**31)
_ALONE_BEATS = 2
"""So long a worker leaves the slots of a new host to others that may want theirs."""


class TakenForDead(Exception):
    """This worker was silent for so long that others were given what it had."""


class Scheduler:
    """The scheduling of one worker."""

    def __init__(
        self,
        database: Database,
        *,
        worker: WorkerSettings,
        fetch: FetchSettings,
        admission: Admission,
        downloader: Downloader,
        in_hand: InHand,
        dispatcher: Dispatcher,
        settler: Settler,
        heartbeat: Heartbeat,
        news: News,
    ) -> None:
        self._database = database
        self._admission = admission
        self._downloader = downloader
        self._in_hand = in_hand
        self._dispatcher = dispatcher
        self._settler = settler
        self._heartbeat = heartbeat
        self._news = news
        self._stale_seconds = worker.stale_seconds
        self._beat_seconds = min(BEAT_SECONDS, worker.heartbeat_seconds)
        self._cap = fetch.per_host
        self._leases = Leases(downloader.hosts)
        self._claimer = Claimer(downloader, in_hand, dispatcher, self._leases, news)
        self._loop = asyncio.get_running_loop()
        self._next_beat = 0.0
        self._after = _BEFORE_ALL
        self._worker_id = 0
        self._left: list[HeldImage] = []
        news.use(self._leases)

    async def run(self) -> None:
        """Works until the worker drains."""
        while not self._admission.is_draining():
            try:
                async with self._database.dedicated(planned_once=True) as connection:
                    await self._work(connection)
            except TakenForDead:
                logger.warning("this worker was taken for dead: others have what it had; it begins anew")
                self._forget_all()
            except DatabaseUnavailable as error:
                logger.warning("the scheduling waits for the database: %s", error)
                await self._admission.pause(RESTART_SECONDS)

    async def drain(self, *, until: float) -> None:
        """Hands back at once what has not begun, and stays alive until the rest is settled, or that time."""
        self._lay_down(self._in_hand.not_running())
        is_told = False
        while not is_told or (self._in_hand.count and self._loop.time() < until):
            try:
                async with self._database.dedicated(planned_once=True) as connection:
                    with cut_after(self._patience(until), connection):
                        await self._take_up(connection)
                        await self._drain_turn(connection)
                    is_told = True
                    while self._in_hand.count and self._loop.time() < until:
                        await self._rest(min(self._beat_seconds, until - self._loop.time()))
                        with cut_after(self._patience(until), connection):
                            await self._drain_turn(connection)
            except TakenForDead:
                return
            except DatabaseUnavailable as error:
                logger.warning("the end waits for the database: %s", error)
                if not self._in_hand.count or self._loop.time() >= until:
                    return  # a sweep hands back what is left
                await asyncio.sleep(RESTART_SECONDS)

    def _patience(self, until: float) -> float:
        return min(ANSWER_SECONDS, max(LEAVE_SECONDS, until - self._loop.time()))

    async def _drain_turn(self, connection: Connection) -> None:
        await self._say_alive(connection)
        await self._look(connection, None)
        await self._abandon_ended(connection)
        self._left += self._in_hand.take_put_down()
        await self._hand_back(connection)
        kept = [(lease.host_id, lease.used or -1, lease.used) for lease in self._leases.of_host.values()]
        await self._keep(connection, kept)

    def _lay_down(self, images: Iterable[HeldImage]) -> None:
        """Stops work on images, which are to be handed back."""
        for held in images:
            self._left.append(held)
            if held.task is not None:
                held.task.cancel()

    async def leave(self) -> None:
        """Gives back all that is left; raises DatabaseUnavailable, then a sweep does it."""
        async with self._database.transaction(patience_seconds=LEAVE_SECONDS) as connection:
            images = await workers.leave(connection, [self._worker_id])
        if images:
            logger.info("handed back %d images", images)

    async def _rest(self, seconds: float) -> None:
        """Waits, but no longer than until nothing is in hand."""
        end = self._loop.time() + seconds
        while self._in_hand.count and (left := end - self._loop.time()) > 0:
            self._news.wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wake.wait(), left)

    async def _work(self, connection: Connection) -> None:
        with cut_after(ANSWER_SECONDS, connection):
            await self._take_up(connection)
        self._next_beat = 0.0
        while not self._admission.is_draining():
            with cut_after(ANSWER_SECONDS, connection):
                await self._turn(connection)
            await self._pause()

    async def _take_up(self, connection: Connection) -> None:
        """Goes on by another connection than before, under another id: see `workers.renew`."""
        if self._worker_id:
            known = {grant.grant_id for grant in self._in_hand.grants() | self._settler.grants()}
            async with connection.transaction():
                worker_id = await workers.renew(connection, self._worker_id, sorted(known))
            if worker_id is None:
                raise TakenForDead
        else:
            worker_id = await workers.register(connection)
        self._worker_id = self._news.worker_id = worker_id

    async def _pause(self) -> None:
        """Waits for news, or for the next heartbeat; claims follow each other at a steady pace."""
        if not self._news.wake.is_set():
            with contextlib.suppress(TimeoutError):
                left = max(0.0, self._next_beat - self._loop.time())
                await asyncio.wait_for(self._news.wake.wait(), left)
        rest_seconds = self._claimer.claimed_at + PERIOD_SECONDS - self._loop.time()
        if rest_seconds > 0:
            await asyncio.sleep(rest_seconds)
        self._news.wake.clear()

    async def _turn(self, connection: Connection) -> None:
        self._abandon(self._news.ended)
        self._news.ended.clear()
        is_beat = self._news.is_beat_due or self._loop.time() >= self._next_beat
        if is_beat:
            await self._beat(connection)
        if self._news.decided:
            await self._share_decisions(connection)
        if self._news.limited:
            await self._look(connection, self._news.limited)
        await self._give_back(connection, is_beat=is_beat)
        await self._find_slots(connection)
        await self._find_extra(connection)
        await self._claimer.claim(connection, self._worker_id)

    def _forget_all(self) -> None:
        self._abandon(self._in_hand.jobs())
        self._leases.drop_all_but(())
        self._worker_id = 0

    def _abandon(self, job_ids: Iterable[UUID]) -> None:
        for job_id in job_ids:
            if dropped := self._in_hand.abandon(job_id):
                logger.info("stopped work on %d images of the job %s", dropped, job_id)

    # Heartbeat

    async def _abandon_ended(self, connection: Connection) -> None:
        if held := self._in_hand.jobs():
            self._abandon(await workers.ended_jobs(connection, held))

    async def _beat(self, connection: Connection) -> None:
        self._news.is_beat_due = False
        self._next_beat = self._loop.time() + self._beat_seconds
        await self._say_alive(connection)
        await self._look(connection, None)
        self._news.alive = await workers.alive(connection, self._stale_seconds)
        await self._abandon_ended(connection)
        await self._discover(connection)
        await self._relieve(connection)
        self._news.ready.update(self._leases.of_host)

    async def _say_alive(self, connection: Connection) -> None:
        began_at = self._loop.time()
        if not await workers.beat(connection, self._worker_id):
            raise TakenForDead
        self._heartbeat.beaten()
        self._admission.alive_until(began_at + FRESH_SHARE * self._stale_seconds)

    async def _look(self, connection: Connection, host_ids: Iterable[int] | None) -> None:
        """Takes over what others have decided of leased hosts, and who else wants slots there."""
        given = None if host_ids is None else list(host_ids)
        rows = await leases.look(connection, self._worker_id, given, cap=self._cap)
        if given is None:
            self._leases.drop_all_but({row.host.host_id for row in rows})
        for row in rows:
            lease = self._leases.learn(row)
            if given is not None:
                self._news.ready.add(lease.host_id)
            if lease.slots < lease.share and (lease.has_waiting or (lease.waits and given is not None)):
                self._news.noticed.add(lease.host_id)
        self._news.limited.clear()

    async def _discover(self, connection: Connection) -> None:
        """Looks where images wait: where there are very many such hosts, at some of them each time."""
        is_from_start = self._after == _BEFORE_ALL
        found = await leases.discover(connection, after=self._after, limit=DISCOVERED_AT_ONCE, cap=self._cap)
        has_more = len(found) == DISCOVERED_AT_ONCE
        self._after = found[-1].host_id if has_more else _BEFORE_ALL
        if is_from_start and not has_more:
            for lease in self._leases.of_host.values():
                lease.waits = False
        for waiting in sorted(found, key=lambda one: one.rank):
            self._note(waiting)

    def _note(self, waiting: Waiting) -> None:
        lease = self._leases.of_host.get(waiting.host_id)
        if lease is not None:
            lease.waits, lease.head = True, (waiting.rank, waiting.job_id)
            lease.urgent_rank = waiting.rank
            is_alone = len(self._news.alive) == 1 or lease.beats > _ALONE_BEATS
            if lease.slots < lease.share and waiting.free_slots > 0 and (lease.others or is_alone):
                self._news.noticed.add(waiting.host_id)
        elif not waiting.is_resting and self._wants(waiting.host_id):
            self._news.noticed.add(waiting.host_id)

    def _wants(self, host_id: int) -> bool:
        if host_id < 0:
            return len(self._leases.buckets) < self._fair_buckets()
        return self._leases.slots < self._downloader.capacity

    def _first_slots(self) -> int:
        """How many slots of a host to begin with: all other workers that are alive may want as many."""
        return -(-self._cap // max(1, len(self._news.alive)))

    def _fair_buckets(self) -> int:
        return -(-BUCKETS // max(1, len(self._news.alive)))

    async def _relieve(self, connection: Connection) -> None:
        """Hands back images of hosts that bear much less than when these were claimed."""
        for lease in self._leases.of_host.values():
            held, parked = self._in_hand.at_host(lease.host_id), self._downloader.parked_at(lease.origin)
            if surplus := lease.surplus(held, parked):
                self._lay_down(self._in_hand.untried(lease.host_id)[-surplus:])
        await self._hand_back(connection)

    async def _hand_back(self, connection: Connection) -> None:
        await self._dispatcher.hand_back(connection, self._worker_id, self._left)
        self._left = []

    # Slots

    async def _share_decisions(self, connection: Connection) -> None:
        """Writes what the limiters of hosts have decided, and tells the other workers there."""
        now = self._loop.time()
        decided: dict[int, Lease] = {}
        for origin_key in self._news.decided:
            queue, lease = self._downloader.hosts.get(origin_key), self._leases.at(origin_key)
            if queue is not None and queue.limiter.changed:
                queue.limiter.changed = False
                if lease is not None:
                    decided[lease.host_id] = lease
        self._news.decided.clear()
        if not decided:
            return
        rows = {host_id: (lease.version, lease.decision(now)) for host_id, lease in decided.items()}
        versions = await hosts.write_limits(connection, rows)
        for host_id, version in versions.items():
            self._leases.decided(decided[host_id], version, rows[host_id][1])
            if decided[host_id].slots < decided[host_id].share:
                self._news.noticed.add(host_id)
        if lost := decided.keys() - versions.keys():
            await self._look(connection, lost)
        shared = [host_id for host_id in versions if decided[host_id].others]
        await notify_hosts(connection, shared, channel=LIMITS_CHANNEL)
        self._news.ready |= decided.keys()

    async def _give_back(self, connection: Connection, *, is_beat: bool) -> None:
        """Gives back slots beyond this worker's share, and those of hosts that it has no more use for."""
        kept: list[tuple[int, int, int]] = []
        surplus = self._leases.buckets[self._fair_buckets() :] if is_beat else []
        for host_id in self._leases.of_host.keys() if is_beat else self._news.ready:
            lease = self._leases.of_host.get(host_id)
            if lease is None:
                continue
            keep = -1 if lease in surplus else lease.to_keep(self._in_hand.at_host(host_id), is_beat=is_beat)
            if keep != lease.slots or (is_beat and lease.used != lease.in_flight_told):
                kept.append((host_id, keep, lease.used))
        await self._keep(connection, kept)

    async def _keep(self, connection: Connection, kept: Sequence[tuple[int, int, int]]) -> None:
        if kept:
            await leases.keep(connection, self._worker_id, kept)
        for host_id, keep, in_flight in kept:
            self._leases.kept(self._leases.of_host[host_id], keep, in_flight)

    async def _find_slots(self, connection: Connection) -> None:
        """Acquires slots where images wait, or where redirects lead."""
        if self._news.demanded:
            demanded = [origin for origin in self._news.demanded if self._leases.at(origin) is None]
            self._news.demanded.clear()
            self._news.noticed |= set((await hosts.find_hosts(connection, demanded)).values())
        wants: dict[int, int] = {}
        spare = self._downloader.capacity - self._leases.slots
        while self._news.noticed and len(wants) < HOSTS_AT_ONCE:
            host_id = self._news.noticed.pop()
            lease = self._leases.of_host.get(host_id)
            want = self._first_slots() if lease is None else lease.share - lease.slots
            wants[host_id] = 1 if host_id < 0 else max(0, min(want, spare))
            spare -= min(wants[host_id], self._cap)
        if wants:
            for row in await leases.acquire(connection, self._worker_id, wants, cap=self._cap):
                lease = self._leases.learn(row)
                lease.waits = True
                self._news.ready.add(lease.host_id)
        if self._news.noticed:
            self._news.wake.set()

    async def _find_extra(self, connection: Connection) -> None:
        """Acquires one slot beyond the cap where an image came that should wait for none at its host."""
        leased = [self._leases.of_host[host_id] for host_id in self._news.ready & self._leases.of_host.keys()]
        urgent = [lease for lease in leased if lease.may_have_extra(self._in_hand.rank_at(lease.host_id))]
        if not urgent:
            return
        wants = {lease.host_id: 1 for lease in urgent}
        for lease in urgent:
            lease.urgent_rank = 0
        for row in await leases.acquire(connection, self._worker_id, wants, cap=self._cap, extra=1):
            lease = self._leases.of_host[row.host.host_id]
            lease.extra = row.slots - lease.slots
            self._leases.learn(row)
