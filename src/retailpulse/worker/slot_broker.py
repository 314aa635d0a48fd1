"""The slots of this worker at its hosts: acquired if images wait there, given back if others want them.

It also passes on what is decided of hosts: by this worker to all, and by others to its queues. When, is the
`scheduler`'s.
"""

import asyncio
from collections.abc import Iterable, Sequence

from retailpulse.fetch import Downloader
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import hosts, leases
from retailpulse.storage.scheduling.leases import Waiting
from retailpulse.storage.scheduling.losses import QUARANTINE
from retailpulse.storage.scheduling.notifications import LIMITS_CHANNEL, notify_hosts
from retailpulse.storage.scheduling.slice_builder import BUCKETS
from retailpulse.worker.claimer import HOSTS_AT_ONCE
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.leases import Lease, Leases
from retailpulse.worker.prefetch import PERIOD_SECONDS
from retailpulse.worker.scheduler_events import SchedulerEvents

DISCOVERED_AT_ONCE = 1_000
_BEFORE_ALL = -(2**31)
_ALONE_BEATS = 2
"""So long a worker leaves the slots of a new host to others that may want theirs."""


class SlotBroker:
    """Moves slots between this worker and all others; `cap` is for hosts of which nothing is known."""

    def __init__(
        self,
        downloader: Downloader,
        held_images: HeldImages,
        held: Leases,
        events: SchedulerEvents,
        *,
        cap: int,
    ) -> None:
        self._downloader = downloader
        self._held_images = held_images
        self._leases = held
        self._events = events
        self._cap = cap
        self._after = _BEFORE_ALL
        self._tried_again: set[int] = set()  # since the last heartbeat
        self._loop = asyncio.get_running_loop()

    async def look(
        self, connection: Connection, worker_id: int, host_ids: Iterable[int] | None = None
    ) -> None:
        """Takes over what others have decided of leased hosts, and how many others want slots there."""
        given = None if host_ids is None else list(host_ids)
        rows = await leases.look(connection, worker_id, given, cap=self._cap)
        if given is None:
            self._tried_again.clear()
            self._leases.drop_all_but({row.host.host_id for row in rows})
        for row in rows:
            lease = self._leases.learn(row)
            if given is not None:
                self._events.ready.add(lease.host_id)
            if lease.slots < lease.share and (lease.has_waiting or (lease.waits and given is not None)):
                self._events.noticed.add(lease.host_id)
        self._events.limited.clear()

    async def discover(self, connection: Connection) -> None:
        """Looks for hosts with waiting images: of very many such hosts, some each time."""
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
            is_alone = len(self._events.alive) == 1 or lease.beats > _ALONE_BEATS
            if lease.slots < lease.share and waiting.free_slots > 0 and (lease.others or is_alone):
                self._events.noticed.add(waiting.host_id)
        elif not waiting.is_resting and self._wants(waiting.host_id):
            self._events.noticed.add(waiting.host_id)

    def _wants(self, host_id: int) -> bool:
        if host_id == QUARANTINE:
            return True
        if host_id < 0:
            return len(self._leases.buckets) < self._fair_buckets()
        return self._leases.slots < self._downloader.capacity

    def _first_slots(self) -> int:
        """How many slots of a host to begin with: all other workers that are alive may want as many."""
        return -(-self._cap // max(1, len(self._events.alive)))

    def _fair_buckets(self) -> int:
        return -(-BUCKETS // max(1, len(self._events.alive)))

    async def share_decisions(self, connection: Connection, worker_id: int) -> None:
        """Writes what the limiters of hosts have decided, and tells the other workers there."""
        now = self._loop.time()
        decided: dict[int, Lease] = {}
        for origin_key in self._events.decided:
            queue, lease = self._downloader.hosts.get(origin_key), self._leases.at(origin_key)
            if queue is not None and queue.limiter.changed:
                queue.limiter.changed = False
                if lease is not None:
                    decided[lease.host_id] = lease
        self._events.decided.clear()
        if not decided:
            return
        rows = {host_id: (lease.version, lease.decision(now)) for host_id, lease in decided.items()}
        versions = await hosts.write_limits(connection, rows)
        for host_id, version in versions.items():
            self._leases.decided(decided[host_id], version, rows[host_id][1])
            if decided[host_id].slots < decided[host_id].share:
                self._events.noticed.add(host_id)
        if lost := decided.keys() - versions.keys():
            await self.look(connection, worker_id, lost)
        shared = [host_id for host_id in versions if decided[host_id].others]
        await notify_hosts(connection, shared, channel=LIMITS_CHANNEL)
        self._events.ready |= decided.keys()

    async def give_back(self, connection: Connection, worker_id: int, *, is_beat: bool) -> None:
        """Gives back slots beyond this worker's share, and those of hosts that it has no more use for."""
        kept: list[tuple[int, int, int]] = []
        surplus = self._leases.buckets[self._fair_buckets() :] if is_beat else []
        for host_id in self._leases.of_host.keys() if is_beat else self._events.ready:
            lease = self._leases.of_host.get(host_id)
            if lease is None:
                continue
            keep = (
                -1 if lease in surplus else lease.to_keep(self._held_images.at_host(host_id), is_beat=is_beat)
            )
            if keep != lease.slots or (is_beat and lease.used != lease.in_flight_told):
                kept.append((host_id, keep, lease.used))
        await self._keep(connection, worker_id, kept)

    async def keep_used(self, connection: Connection, worker_id: int) -> None:
        """Gives back all slots that no request uses now."""
        kept = [(lease.host_id, lease.used or -1, lease.used) for lease in self._leases.of_host.values()]
        await self._keep(connection, worker_id, kept)

    async def _keep(
        self, connection: Connection, worker_id: int, kept: Sequence[tuple[int, int, int]]
    ) -> None:
        if kept:
            await leases.keep(connection, worker_id, kept)
        for host_id, keep, in_flight in kept:
            self._leases.kept(self._leases.of_host[host_id], keep, in_flight)

    async def find_slots(self, connection: Connection, worker_id: int) -> None:
        """Acquires slots of hosts at which images wait, or to which redirects lead."""
        if self._events.demanded:
            demanded = [origin for origin in self._events.demanded if self._leases.at(origin) is None]
            self._events.demanded.clear()
            self._events.noticed |= set((await hosts.find_hosts(connection, demanded)).values())
        wants: dict[int, int] = {}
        spare = self._downloader.capacity - self._leases.slots
        while self._events.noticed and len(wants) < HOSTS_AT_ONCE:
            host_id = self._events.noticed.pop()
            lease = self._leases.of_host.get(host_id)
            want = self._first_slots() if lease is None else lease.share - lease.slots
            wants[host_id] = 1 if host_id <= 0 else max(0, min(want, spare))
            spare -= min(wants[host_id], self._cap)
        if wants:
            known = set(self._leases.of_host)
            rows = await leases.acquire(connection, worker_id, wants, cap=self._cap)
            for row in rows:
                lease = self._leases.learn(row)
                lease.waits = True
                self._events.ready.add(lease.host_id)
            self._try_again(wants.keys() - {row.host.host_id for row in rows})
            await self._ask_for_shares(connection, wants.keys() - known)
        if self._events.noticed:
            self._events.wake.set()

    def _try_again(self, host_ids: Iterable[int]) -> None:
        """Looks once more, and soon, at hosts of which another worker just took slots."""
        again = [host_id for host_id in host_ids if host_id not in self._tried_again]
        self._tried_again.update(again)
        if again:
            self._loop.call_later(PERIOD_SECONDS, self._events.want_slots, again)

    async def _ask_for_shares(self, connection: Connection, host_ids: Iterable[int]) -> None:
        """Tells the workers that have all slots of hosts that this one has come."""
        found = [lease for host_id in host_ids if (lease := self._leases.of_host.get(host_id)) is not None]
        short = [lease.host_id for lease in found if lease.others and lease.slots < lease.share]
        await notify_hosts(connection, short, channel=LIMITS_CHANNEL)

    async def find_extra(self, connection: Connection, worker_id: int) -> None:
        """Acquires one slot beyond the cap for an image that should wait for no other at its host."""
        leased = [
            self._leases.of_host[host_id] for host_id in self._events.ready & self._leases.of_host.keys()
        ]
        urgent = [lease for lease in leased if lease.may_have_extra(self._held_images.rank_at(lease.host_id))]
        if not urgent:
            return
        wants = {lease.host_id: 1 for lease in urgent}
        for lease in urgent:
            lease.urgent_rank = 0
        for row in await leases.acquire(connection, worker_id, wants, cap=self._cap, extra=1):
            lease = self._leases.of_host[row.host.host_id]
            lease.extra = row.slots - lease.slots
            self._leases.learn(row)
