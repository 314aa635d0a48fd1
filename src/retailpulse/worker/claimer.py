"""Claims images: of each host as many as it can take up soon, of all as many as the worker can."""

import asyncio

from retailpulse.domain.images import Cause
from retailpulse.fetch import NO_CREDENTIALS, CannotOpen, Credentials, Downloader
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import claims
from retailpulse.storage.scheduling.claims import ClaimRequest, Granted
from retailpulse.worker.credential_opener import CredentialOpener
from retailpulse.worker.dispatcher import Dispatcher
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.leases import Leases
from retailpulse.worker.prefetch import Head, shares
from retailpulse.worker.scheduler_events import SchedulerEvents

HOSTS_AT_ONCE = 256
"""Hosts in one claim."""


class Claimer:
    """The claims of one worker."""

    def __init__(
        self,
        downloader: Downloader,
        held_images: HeldImages,
        dispatcher: Dispatcher,
        leases: Leases,
        events: SchedulerEvents,
        opener: CredentialOpener,
    ) -> None:
        self._downloader = downloader
        self._held_images = held_images
        self._dispatcher = dispatcher
        self._leases = leases
        self._events = events
        self._opener = opener
        self._loop = asyncio.get_running_loop()
        self._most_in_hand = downloader.capacity + downloader.capacity // 4 + 64
        self.claimed_at = 0.0

    async def claim(self, connection: Connection, worker_id: int) -> None:
        """Claims once if there is room, and begins the work on what it got."""
        asks = self._claim_requests()
        if not asks:
            return
        self.claimed_at = self._loop.time()
        granted = await claims.claim(connection, worker_id, asks)
        await self._dispatcher.start_jobs(connection, granted)
        opened = await self._opener.open(connection, granted)
        got = dict.fromkeys(asks, 0)
        for grant in granted:
            got[grant.host_id] += len(grant.images)
            await self._begin(connection, worker_id, grant, opened.get(grant.job_id, NO_CREDENTIALS))
        for host_id, images in got.items():
            if self._leases.of_host[host_id].extra:  # once the tasks have come to wait there
                self._loop.call_soon(self._leases.begin_extra, self._leases.of_host[host_id])
            if self._leases.of_host[host_id].claimed(asks[host_id].room, images):
                self._events.has_room(host_id)

    async def _begin(
        self, connection: Connection, worker_id: int, grant: Granted, credentials: Credentials | CannotOpen
    ) -> None:
        lease = self._leases.of_host[grant.host_id]
        if isinstance(credentials, CannotOpen):
            self._dispatcher.dismiss(grant, Cause.NO_CREDENTIALS, str(credentials))
        elif lease.queue is None and not lease.is_quarantine:
            await self._dispatcher.sort(connection, worker_id, grant, credentials)
        elif lease.is_dismissing:
            self._dispatcher.dismiss(grant, *lease.why_dismissed())
        else:
            self._dispatcher.begin(grant, grant.images, credentials)

    def _claim_requests(self) -> dict[int, ClaimRequest]:
        """How many images to claim of each host now."""
        rooms: dict[int, int] = {}
        now, ready = self._loop.time(), self._events.ready
        while ready and len(rooms) < HOSTS_AT_ONCE:
            lease = self._leases.of_host.get(ready.pop())
            if lease is None or not (lease.waits or lease.is_dismissing):
                continue
            held, parked = (
                self._held_images.unmeasured(lease.host_id),
                self._downloader.parked_at(lease.origin),
            )
            if room := lease.room(held, parked, now):
                rooms[lease.host_id] = room
        spare = max(0, self._most_in_hand - self._held_images.count)
        if sum(rooms.values()) > spare:
            rooms = self._limit(rooms, spare)
        return {
            host_id: ClaimRequest(room=room, slices=self._leases.of_host[host_id].slices)
            for host_id, room in rooms.items()
        }

    def _limit(self, rooms: dict[int, int], spare: int) -> dict[int, int]:
        """Shares out what this worker can still take, if it is the limit and not its hosts."""
        heads = {}
        for host_id, room in rooms.items():
            rank, job_id = self._leases.of_host[host_id].head
            heads[host_id] = Head(host_id=host_id, rank=rank, job_id=job_id, room=room)
        left = shares(heads, spare, self._held_images.of_jobs())
        limited = {}
        for host_id, head in sorted(heads.items(), key=lambda item: item[1].rank):
            if room := min(head.room, left[head.job_id]):
                limited[host_id] = room
                left[head.job_id] -= room
        return limited
