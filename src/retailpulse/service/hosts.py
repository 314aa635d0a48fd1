"""What is asked of photo hosts: which are in use and how each does; why a job waits for one."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from retailpulse.domain.hosts import BreakerState, WaitReason
from retailpulse.schema import HostOfJob, WaitingFor
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.scheduling import host_status
from retailpulse.storage.scheduling.host_status import HostStatus

KEPT_SECONDS, KEPT_TIMES = 1.0, 10
"""How old, in seconds, a list of the hosts in use may be, or how many times as long as it took: for any
number of clients and hosts, it costs the database a tenth of one core at most."""
NAMED_HOSTS = 10
"""How many hosts a job says that it waits for."""

HostPlace = tuple[int, str]
"""How many images wait at a host, and its origin: the list goes on after it."""


class Hosts:
    """The photo hosts over one database; requests share the list of those in use."""

    def __init__(self, database: Database, per_host: int) -> None:
        """`per_host` is the cap of a host of which nothing was learnt."""
        self._database = database
        self._cap = per_host
        self._lock = asyncio.Lock()
        self._known: list[HostStatus] = []
        self._fresh_until = float("-inf")

    async def hosts(
        self, origins: Sequence[str], *, after: HostPlace | None, limit: int
    ) -> tuple[list[HostStatus], HostPlace | None]:
        """Hosts in use, or those with these origins, most waiting first; and the place of the next page."""
        found = await self._read(origins) if origins else await self._in_use()
        if after is not None:
            found = [host for host in found if _order(host) > (-after[0], after[1])]
        page = found[:limit]
        return page, (page[-1].waiting, page[-1].origin) if len(found) > limit else None

    async def _in_use(self) -> list[HostStatus]:
        async with self._lock:
            clock = asyncio.get_running_loop().time
            began_at = clock()
            if began_at > self._fresh_until:
                self._known = await self._read(())
                self._fresh_until = began_at + max(KEPT_SECONDS, KEPT_TIMES * (clock() - began_at))
            return self._known

    async def _read(self, origins: Sequence[str]) -> list[HostStatus]:
        async with self._database.connection(share=Share.READS) as connection:
            return await host_status.read_hosts(connection, origins, cap=self._cap)

    async def waiting_for(self, connection: Connection, job_id: UUID) -> WaitingFor:
        """The hosts that a job waits for."""
        found = await host_status.read_hosts_of_job(connection, job_id, most=NAMED_HOSTS, cap=self._cap)
        return WaitingFor(
            hosts=[HostOfJob(origin=host.origin, images=host.images, reason=_reason(host)) for host in found],
            more_hosts=found[0].hosts - len(found) if found else 0,
            counted_all=all(host.counted_all for host in found),
        )


FULL_SHARE = 0.75
"""A host counts as full from this share of its cap on: between two requests one is always on its way."""


def _order(host: HostStatus) -> tuple[int, str]:
    return -host.waiting, host.origin


def _reason(host: host_status.HostOfJob) -> WaitReason | None:
    """The strongest of what limits a host."""
    if host.breaker is not BreakerState.CLOSED:
        return WaitReason.BREAKER
    if host.rest_seconds > 0:
        return WaitReason.REST
    if host.rate_per_second is not None:
        return WaitReason.PACE
    if host.cap is not None and host.in_flight >= FULL_SHARE * host.cap:
        return WaitReason.CAP
    return None
