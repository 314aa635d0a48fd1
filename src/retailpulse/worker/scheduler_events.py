"""What the scheduling of this worker hears between its turns: from hosts' queues, and from other processes.

Each method only notes something down and wakes the loop. What is never heard is found by the next heartbeat.
"""

import asyncio
import zlib
from collections.abc import Iterable
from uuid import UUID

from retailpulse.concurrency.cancellation import end_if_cancelled
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.domain.ids import parse_job_id
from retailpulse.fetch import HostQueue
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import notifications
from retailpulse.storage.scheduling.notifications import HostNotification
from retailpulse.worker.leases import Leases

LISTEN_AGAIN_SECONDS = 1.0


class SchedulerEvents:
    """Notes of what is to be looked at; it is the listener of the hosts' queues."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.is_beat_due = False
        self.ready: set[int] = set()
        """Leased hosts at which a claim may find images."""
        self.noticed: set[int] = set()
        """Hosts at which more slots are wanted."""
        self.demanded: set[str] = set()
        """Origins without a lease that redirects lead to."""
        self.limited: set[int] = set()
        """Leased hosts whose limits or other holders are new."""
        self.decided: set[str] = set()
        """Origins whose limiters have something to share."""
        self.ended: set[UUID] = set()
        """Jobs that were cancelled or deleted."""
        self.worker_id = 0
        self.alive: list[int] = []

    def use(self, leases: Leases) -> None:
        """Says which leases there are; their queues are made after their listener."""
        self._leases = leases

    def on_demand(self, queue: HostQueue) -> None:
        """An image waits at a host of which this worker has no slots: a redirect may lead there."""
        self.demanded.add(queue.origin_key)
        self.wake.set()

    def on_room(self, queue: HostQueue) -> None:
        """A request at a host ended."""
        lease = self._leases.at(queue.origin_key)
        if lease is not None:
            if lease.extra:
                self._leases.end_extra(lease)
            self.has_room(lease.host_id)

    def on_decision(self, queue: HostQueue) -> None:
        """The limiter of a host has decided something that all workers should know."""
        self.decided.add(queue.origin_key)
        self.wake.set()

    def has_room(self, host_id: int) -> None:
        """One image fewer of a host is in hand."""
        self.ready.add(host_id)
        if not self.wake.is_set():
            self.wake.set()

    def want_slots(self, host_ids: Iterable[int]) -> None:
        """More slots of hosts are wanted."""
        self.noticed.update(host_ids)
        self.wake.set()

    def images_came(self, told: HostNotification) -> None:
        """Images came to wait at hosts. Few of them are for one worker; all look at once if many came."""
        if told.host_ids is None:
            self.is_beat_due = True
        for host_id in told.host_ids or ():
            lease = self._leases.of_host.get(host_id)
            if lease is not None:
                lease.waits = True
                lease.urgent_rank = min(lease.urgent_rank, told.rank)
                self.ready.add(host_id)
            elif (told.are_many and host_id > 0) or self._is_first_at(host_id):
                self.noticed.add(host_id)
        self.wake.set()

    def limits_changed(self, told: HostNotification) -> None:
        """Slots of hosts are free that this worker may want, or their limits are new."""
        if told.host_ids is None:
            self.is_beat_due = True
        else:
            self.limited |= told.host_ids & self._leases.of_host.keys()
        self.wake.set()

    def job_ended(self, job_id: UUID) -> None:
        """A job was cancelled or deleted."""
        self.ended.add(job_id)
        self.wake.set()

    def _is_first_at(self, host_id: int) -> bool:
        """Whether this worker is the one that looks first at a host: by rendezvous hashing."""
        return not self.alive or self.worker_id == max(
            self.alive, key=lambda worker_id: zlib.crc32(f"{host_id}/{worker_id}".encode())
        )


async def listen_forever(database: Database, events: SchedulerEvents) -> None:
    """Passes on what other processes notify, until it is cancelled."""
    while True:
        try:
            async with database.dedicated() as connection:
                await notifications.listen(connection)
                events.images_came(HostNotification(host_ids=None))  # whatever was missed so far
                async for notification in connection.notifies():
                    _pass_on(events, notification.channel, notification.payload)
        except DatabaseUnavailable as error:
            end_if_cancelled(error)
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)


def _pass_on(events: SchedulerEvents, channel: str, payload: str) -> None:
    if channel == notifications.JOBS_CHANNEL:
        job_id = parse_job_id(payload)
        if job_id is not None:
            events.job_ended(job_id)
    elif channel == notifications.LIMITS_CHANNEL:
        events.limits_changed(notifications.read_hosts(payload))
    else:
        events.images_came(notifications.read_hosts(payload))
