"""The leases of a worker in memory: their slots are those of the queue where images wait."""

from retailpulse.domain.hosts import HostLimits
from retailpulse.fetch import HostPool, HostQueue
from retailpulse.storage.scheduling.hosts import KnownHost
from retailpulse.storage.scheduling.leases import LeaseRow
from retailpulse.worker.leases import Leases

ORIGIN = "http://photos.example:80"


class Quiet:
    """A listener that nothing is told."""

    def on_demand(self, queue: HostQueue) -> None:
        """Is not told."""

    def on_room(self, queue: HostQueue) -> None:
        """Is not told."""

    def on_decision(self, queue: HostQueue) -> None:
        """Is not told."""


def row(slots: int) -> LeaseRow:
    host = KnownHost(host_id=1, origin=ORIGIN, version=0, limits=HostLimits(cap=16))
    return LeaseRow(host=host, slots=slots, others=0, before=0)


async def test_a_lease_of_no_slots_for_a_while_has_them_where_images_wait() -> None:
    """The queue of a host that behaves is forgotten once nobody asks it; not that of a lease."""
    hosts = HostPool(16, 16, listener=Quiet())
    leases = Leases(hosts)
    leases.learn(row(16))
    assert hosts.queue(ORIGIN).try_acquire()
    lease = leases.learn(row(0))
    hosts.leave(hosts.queue(ORIGIN))
    leases.learn(row(8))
    assert hosts.queue(ORIGIN).try_acquire()
    assert lease.used == 1


async def test_the_queue_of_a_lease_that_was_given_back_is_forgotten() -> None:
    hosts = HostPool(16, 16, listener=Quiet())
    leases = Leases(hosts)
    leases.drop(leases.learn(row(16)))
    assert len(hosts) == 0
