"""Claims what this worker's hosts can bear now, again and again, and keeps what it has leased alive.

One loop over one connection: heartbeat, news of hosts, slots, claims. Whatever a notification says is found out
by the next heartbeat too. It starts nothing itself: `dispatcher` does that with what was claimed.
"""

import asyncio
import contextlib
import logging
import zlib
from collections.abc import Iterable
from uuid import UUID

from retailpulse.config.settings import FetchSettings, WorkerSettings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.fetch import Downloader, HostQueue
from retailpulse.storage.database import Connection, Database, cut_after
from retailpulse.storage.scheduling import claims, hosts, leases, workers
from retailpulse.storage.scheduling.claims import Ask
from retailpulse.storage.scheduling.leases import Waiting
from retailpulse.storage.scheduling.notifications import LIMITS_CHANNEL, notify_hosts
from retailpulse.worker.admission import Admission
from retailpulse.worker.dispatcher import Dispatcher
from retailpulse.worker.in_hand import InHand
from retailpulse.worker.leases import Lease, Leases
from retailpulse.worker.rooms import PERIOD_SECONDS, Head, shares

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
ANSWER_SECONDS = 10.0
"""A database that has not answered by then is taken for lost."""
FRESH_SHARE = 0.6
"""After so much of the stale time without a heartbeat nothing is begun: others may have it soon."""
DISCOVERED_AT_ONCE = 1_000
CLAIMED_HOSTS = 256
"""Hosts in one claim."""
RESTART_SECONDS = 0.5


class TakenForDead(Exception):
    """This worker was silent for so long that others were given what it had."""


class Scheduler:
    """The claiming of one worker; it hears of its hosts' queues as their listener."""

    def __init__(
        self,
        database: Database,
        *,
        worker: WorkerSettings,
        fetch: FetchSettings,
        admission: Admission,
    ) -> None:
        self._database = database
        self._settings = worker
        self._admission = admission
        self._cap = fetch.per_host
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._beat_seconds = min(BEAT_SECONDS, worker.heartbeat_seconds)
        self._next_beat = 0.0
        self._claimed_at = 0.0
        self._after = _BEFORE_ALL
        self._worker_id = 0
        self._alive: list[int] = []
        self._ready: set[int] = set()  # hosts where a claim may be worth while
        self._noticed: set[int] = set()  # hosts without a lease where images came to wait
        self._demanded: set[str] = set()  # origins that redirects lead to
        self._limited: set[int] = set()  # leased hosts of which there is news
        self._decided: set[str] = set()

    def use(self, downloader: Downloader, in_hand: InHand, dispatcher: Dispatcher) -> None:
        """Says with what it works; it is their listener, so they are made after it."""
        self._downloader = downloader
        self._in_hand = in_hand
        self._dispatcher = dispatcher
        self._leases = Leases(downloader.hosts, self._cap)
        self._most_in_hand = downloader.capacity + downloader.capacity // 4 + 64

    # What is heard

    def on_demand(self, queue: HostQueue) -> None:
        """An image waits at a host of which all slots of this worker are in use: a redirect may lead there."""
        if not queue.leased:
            self._demanded.add(queue.origin_key)
            self._wake.set()

    def on_room(self, queue: HostQueue) -> None:
        """A request at a host ended."""
        lease = self._leases.at(queue.origin_key)
        if lease is not None:
            self.has_room(lease.host_id)

    def on_decision(self, queue: HostQueue) -> None:
        """Something of a host is to be shared with all workers."""
        self._decided.add(queue.origin_key)
        self._wake.set()

    def has_room(self, host_id: int) -> None:
        """One image fewer is at a host."""
        self._ready.add(host_id)
        self._wake.set()

    def heard_of(self, host_ids: frozenset[int] | None) -> None:
        """Images came to wait at hosts; None: anywhere."""
        if host_ids is None:
            self._next_beat = 0.0
        for host_id in host_ids or ():
            lease = self._leases.of_host.get(host_id)
            if lease is not None:
                lease.waits = True
                self._ready.add(host_id)
            elif self._is_first_at(host_id):
                self._noticed.add(host_id)
        self._wake.set()

    def limits_changed(self, host_ids: frozenset[int] | None) -> None:
        """Slots of hosts are free that this worker may want, or their limits are new."""
        if host_ids is None:
            self._next_beat = 0.0
        else:
            self._limited |= host_ids & self._leases.of_host.keys()
        self._wake.set()

    def job_ended(self, job_id: UUID) -> None:
        """A job was called off: its transfers are aborted."""
        if dropped := self._in_hand.abandon(job_id):
            logger.info("stopped work on %d images of the job %s, which has ended", dropped, job_id)

    def wake(self) -> None:
        """Lets the loop look whether it should end."""
        self._wake.set()

    def _is_first_at(self, host_id: int) -> bool:
        """Whether this worker is the one that looks at once, where nobody has slots (rendezvous hashing)."""
        return not self._alive or self._worker_id == max(
            self._alive, key=lambda worker_id: zlib.crc32(f"{host_id}/{worker_id}".encode())
        )

    # The loop

    async def run(self) -> None:
        """Works until the worker drains, then hands back all that has not begun, and leaves at the end."""
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

    async def _work(self, connection: Connection) -> None:
        if not self._worker_id:
            self._worker_id = await workers.register(connection)
        self._next_beat = 0.0
        while not self._admission.is_draining():
            with cut_after(ANSWER_SECONDS, connection):
                await self._turn(connection)
            await self._pause()

    async def _pause(self) -> None:
        """Waits for news, or for the next heartbeat; claims follow each other at a steady pace."""
        now = self._loop.time()
        if not self._wake.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, self._next_beat - now))
        rest_seconds = self._claimed_at + PERIOD_SECONDS - self._loop.time()
        if rest_seconds > 0 and not self._admission.is_draining():
            await asyncio.sleep(rest_seconds)
        self._wake.clear()

    async def _turn(self, connection: Connection) -> None:
        is_beat = self._loop.time() >= self._next_beat
        if is_beat:
            await self._beat(connection)
        if self._decided:
            await self._share_decisions(connection)
        if self._limited:
            await self._look(connection, self._limited)
        await self._give_back(connection, is_beat=is_beat)
        await self._find_slots(connection)
        await self._claim(connection)

    def _forget_all(self) -> None:
        for job_id in self._in_hand.jobs():
            self._in_hand.abandon(job_id)
        self._leases.drop_all()
        self._worker_id = 0

    # Heartbeat

    async def _beat(self, connection: Connection) -> None:
        began_at = self._loop.time()
        await self.say_alive(connection)
        await self._look(connection, None)
        self._alive = await workers.alive(connection, self._settings.stale_seconds)
        if held := self._in_hand.jobs():
            for job_id in await workers.ended_jobs(connection, held):
                self.job_ended(job_id)
        await self._discover(connection)
        self._ready.update(self._leases.of_host)
        self._next_beat = began_at + self._beat_seconds

    async def say_alive(self, connection: Connection) -> None:
        """Beats; raises TakenForDead where that is too late."""
        began_at = self._loop.time()
        if not await workers.beat(connection, self._worker_id):
            raise TakenForDead
        self._admission.alive_until(began_at + FRESH_SHARE * self._settings.stale_seconds)

    async def _look(self, connection: Connection, host_ids: Iterable[int] | None) -> None:
        """Takes over what others have decided of leased hosts, and who else wants slots there."""
        given = None if host_ids is None else list(host_ids)
        now = self._loop.time()
        for row in await leases.look(connection, self._worker_id, given, cap=self._cap):
            lease = self._leases.learn(row, now)
            if given is not None:
                self._ready.add(lease.host_id)
                if lease.waits and lease.slots < lease.share:
                    self._noticed.add(lease.host_id)
        self._limited.clear()

    async def _discover(self, connection: Connection) -> None:
        """Looks where images wait: all hosts of that kind in turn, where there are very many."""
        found = await leases.discover(
            connection, after=self._after, limit=DISCOVERED_AT_ONCE, cap=self._cap
        )
        is_all = self._after == _BEFORE_ALL and len(found) < DISCOVERED_AT_ONCE
        self._after = found[-1].host_id if len(found) == DISCOVERED_AT_ONCE else _BEFORE_ALL
        if is_all:
            for lease in self._leases.of_host.values():
                lease.waits = False
        for waiting in sorted(found, key=lambda one: one.rank):
            self._note_waiting(waiting)

    def _note_waiting(self, waiting: Waiting) -> None:
        lease = self._leases.of_host.get(waiting.host_id)
        if lease is not None:
            lease.waits, lease.head = True, (waiting.rank, waiting.job_id)
            if lease.slots < lease.share and waiting.free_slots > 0:
                self._noticed.add(waiting.host_id)
        elif not waiting.is_resting and self._wants_more(waiting.host_id):
            self._noticed.add(waiting.host_id)

    def _wants_more(self, host_id: int) -> bool:
        if host_id < 0:
            return len(self._leases.buckets) < self._fair_buckets()
        return self._leases.slots < self._downloader.capacity

    def _fair_buckets(self) -> int:
        return -(-BUCKETS // max(1, len(self._alive)))

    # Slots

    async def _share_decisions(self, connection: Connection) -> None:
        """Writes what the limiters of hosts have decided, and tells the other workers there."""
        now = self._loop.time()
        decided: dict[int, Lease] = {}
        for origin_key in self._decided:
            queue, lease = self._downloader.hosts.get(origin_key), self._leases.at(origin_key)
            if queue is None or not queue.limiter.changed:
                continue
            queue.limiter.changed = False
            if lease is not None:
                decided[lease.host_id] = lease
                lease.is_dismissing = queue.limiter.is_given_up(now)
        self._decided.clear()
        if not decided:
            return
        rows = {
            host_id: (lease.version, lease.queue.limiter.limits(now))
            for host_id, lease in decided.items()
            if lease.queue is not None
        }
        versions = await hosts.write_limits(connection, rows)
        for host_id, version in versions.items():
            decided[host_id].version = version
            decided[host_id].most = rows[host_id][1].most
            self._leases.set_slots(decided[host_id], decided[host_id].slots)
            if decided[host_id].slots < decided[host_id].share:
                self._noticed.add(host_id)
        if lost := decided.keys() - versions.keys():
            await self._look(connection, lost)
        shared = [host_id for host_id in versions if decided[host_id].others]
        await notify_hosts(connection, shared, LIMITS_CHANNEL)
        self._ready |= decided.keys()

    async def _give_back(self, connection: Connection, *, is_beat: bool) -> None:
        """Gives back slots beyond this worker's share, and those of hosts that it has no more use for."""
        kept: list[tuple[int, int, int]] = []
        surplus = self._leases.buckets[self._fair_buckets() :] if is_beat else []
        for host_id in list(self._leases.of_host) if is_beat else self._ready & self._leases.of_host.keys():
            lease = self._leases.of_host[host_id]
            keep = lease.to_keep(self._in_hand.at_host(host_id), is_beat=is_beat)
            if lease in surplus:
                keep = -1
            if keep != lease.slots or (is_beat and lease.used != lease.in_flight_told):
                kept.append((host_id, keep, lease.used))
        if kept:
            await leases.keep(connection, self._worker_id, kept)
        for host_id, keep, in_flight in kept:
            lease = self._leases.of_host[host_id]
            lease.in_flight_told = in_flight
            if keep < 0:
                self._leases.drop(lease)
            else:
                self._leases.set_slots(lease, keep)

    async def _find_slots(self, connection: Connection) -> None:
        """Acquires slots where images wait, or where redirects lead."""
        if self._demanded:
            demanded = [origin for origin in self._demanded if self._leases.at(origin) is None]
            self._demanded.clear()
            self._noticed |= set((await hosts.find_hosts(connection, demanded)).values())
        wants = {}
        spare = self._downloader.capacity - self._leases.slots
        for host_id in list(self._noticed)[:CLAIMED_HOSTS]:
            self._noticed.discard(host_id)
            lease = self._leases.of_host.get(host_id)
            want = 1 if host_id < 0 else lease.share - lease.slots if lease is not None else _MOST_SLOTS
            wants[host_id] = max(0, min(want, spare))
            spare -= min(wants[host_id], self._cap)
        if not wants:
            return
        now = self._loop.time()
        for row in await leases.acquire(connection, self._worker_id, wants, cap=self._cap):
            lease = self._leases.learn(row, now)
            lease.waits = True
            self._ready.add(lease.host_id)
        if self._noticed:
            self._wake.set()

    # Claims

    async def _claim(self, connection: Connection) -> None:
        asks = self._asks()
        if not asks:
            return
        self._claimed_at = self._loop.time()
        granted = await claims.claim(connection, self._worker_id, asks)
        got = dict.fromkeys(asks, 0)
        for grant in granted:
            got[grant.host_id] += len(grant.images)
            lease = self._leases.of_host[grant.host_id]
            if lease.queue is None:
                await self._dispatcher.sort(connection, self._worker_id, grant)
            elif lease.is_dismissing:
                self._dispatcher.dismiss(grant, *lease.why_dismissed())
            else:
                self._dispatcher.begin(grant, grant.images)
        for host_id, images in got.items():
            if self._leases.of_host[host_id].claimed(asks[host_id].room, images):
                self._ready.add(host_id)
                self._wake.set()
        for job_id in {grant.job_id for grant in granted if not grant.is_started}:
            await self._dispatcher.start_job(connection, job_id)

    def _asks(self) -> dict[int, Ask]:
        """How many images to claim of each host now."""
        rooms: dict[int, int] = {}
        now = self._loop.time()
        while self._ready and len(rooms) < CLAIMED_HOSTS:
            lease = self._leases.of_host.get(self._ready.pop())
            if lease is None or not (lease.waits or lease.is_dismissing):
                continue
            held, parked = self._in_hand.at_host(lease.host_id), self._downloader.parked_at(lease.origin)
            if room := lease.room(held, parked, now):
                rooms[lease.host_id] = room
        spare = self._most_in_hand - self._in_hand.count
        if sum(rooms.values()) > spare:
            rooms = self._limit(rooms, spare)
        return {
            host_id: Ask(room=room, slices=self._leases.of_host[host_id].slices)
            for host_id, room in rooms.items()
        }

    def _limit(self, rooms: dict[int, int], spare: int) -> dict[int, int]:
        """Shares out what this worker can still take, where it is the limit and not its hosts."""
        heads = {}
        for host_id, room in rooms.items():
            rank, job_id = self._leases.of_host[host_id].head or _UNKNOWN
            heads[host_id] = Head(host_id=host_id, rank=rank, job_id=job_id, room=room)
        left = shares(heads, max(0, spare), self._in_hand.of_jobs())
        limited = {}
        for host_id, head in sorted(heads.items(), key=lambda item: item[1].rank):
            if room := min(head.room, left[head.job_id]):
                limited[host_id] = room
                left[head.job_id] -= room
        return limited
