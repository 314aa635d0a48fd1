"""The slots of hosts that this worker has, and its view of each host: what waits there, which others ask.

No I/O: rows come from `storage.scheduling.leases`, slots go to the queues of `fetch`.
"""

from collections.abc import Collection
from uuid import UUID

from retailpulse.domain.hosts import HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch import HostPool, HostQueue
from retailpulse.storage.scheduling.leases import LeaseRow
from retailpulse.storage.scheduling.losses import QUARANTINE
from retailpulse.worker.prefetch import Throughput, ahead

_IDLE_BEATS = 2
"""Heartbeats without a request after which a host is left."""
_MOST_PARKED = 64
"""How many images may pause between their tries at a host without keeping others from it."""
_DISMISSED_AT_ONCE = 512
_FIRST_SLICES, _MOST_SLICES = 2, 64
_EMPTY_CLAIMS = 3
"""Claims in a row that found nothing: slices may have been locked by other workers."""
BUCKET_ROOM = 256
_UNKNOWN = (0, UUID(int=0))


class Lease:
    """A host, a bucket or the quarantine, of which this worker has slots, or wants some."""

    def __init__(self, row: LeaseRow, queue: HostQueue | None) -> None:
        self.host_id = row.host.host_id
        self.origin = row.host.origin
        self.queue = queue  # None: a bucket of many hosts, or the quarantine
        self.is_quarantine = row.host.host_id == QUARANTINE
        self.slots = row.slots
        self.others = row.others
        self.before = row.before
        self.most = row.host.limits.most
        self.version = row.host.version
        self.waits = False  # something waits in line, as far as known
        self.head = _UNKNOWN  # what is next: the rank and the job
        self.slices = _FIRST_SLICES
        self.is_dismissing = False
        self.extra = 0  # slots beyond what the host is taken to bear
        self.urgent_rank = 0  # the lowest rank of what came lately
        self.in_flight_told = 0
        self.beats = 0
        self._empty_claims = 0
        self._idle_beats = 0
        self._throughput = Throughput()

    @property
    def used(self) -> int:
        """How many requests of this worker the host has now."""
        return 0 if self.queue is None else self.queue.used

    @property
    def has_waiting(self) -> bool:
        """Whether images in hand wait for a slot here."""
        return self.queue is not None and self.queue.waiting > 0

    @property
    def share(self) -> int:
        """How many slots are this worker's fair share; the remainder goes to the workers that come first.

        So the shares of all are never more than the host bears together, also if that is a single one.
        """
        if self.is_quarantine:
            return 1
        even, over = divmod(self.most, 1 + self.others)
        return even + (self.before < over)

    def room(self, held: int, parked: int, now: float) -> int:
        """How many more images to take, if `held` are here and `parked` of those only pause."""
        if self.queue is None:
            room = 1 if self.is_quarantine else BUCKET_ROOM
            return max(0, room - held) if self.slots else 0
        if self.is_dismissing:
            return _DISMISSED_AT_ONCE
        self._throughput.look(held, now)
        if self.queue.limiter.rest_until > now + 1.0 or not self.usable:
            return 0
        ahead = self._ahead
        room = self.usable + ahead - self._counted(held, parked)
        return room if room > ahead // 2 else 0  # many small claims would cost more than the images

    def surplus(self, held: int, parked: int) -> int:
        """How many images here are far too many: the host bears less than when they were claimed."""
        if self.queue is None or self.is_dismissing:
            return 0
        enough = 2 * (self.usable + self._ahead) + 2 if self.usable else 0
        return max(0, self._counted(held, parked) - enough)

    @property
    def usable(self) -> int:
        """How many requests this worker may have here at once."""
        return min(self.slots - self.extra, self.share) + self.extra

    @property
    def _ahead(self) -> int:
        """How many images beyond its slots keep host and worker busy until the claim after the next one."""
        limiter = None if self.queue is None else self.queue.limiter
        if limiter is None or not limiter.is_closed:
            return 0
        bears = ahead(self.usable, limiter.latency_seconds, limiter.rate_per_second)
        return min(bears, self._throughput.ahead)

    def _counted(self, held: int, parked: int) -> int:
        return held - min(parked, _MOST_PARKED + 4 * self.usable)

    def claimed(self, asked: int, got: int) -> bool:
        """Notes what a claim brought; whether it is worth another one soon."""
        self._throughput.took(got)
        if got >= asked:
            self._empty_claims, self.slices = 0, max(_FIRST_SLICES, self.slices // 2)
            return self.is_dismissing
        if got:
            self._empty_claims, self.slices = 0, min(2 * self.slices, _MOST_SLICES)
            return True
        self.is_dismissing = False
        self._empty_claims += 1
        if self._empty_claims >= _EMPTY_CLAIMS:
            self._empty_claims, self.slices, self.waits = 0, _FIRST_SLICES, False
        return self.waits

    def to_keep(self, held: int, *, is_beat: bool) -> int:
        """How many slots this worker should keep; -1 if it should leave the host."""
        self.beats += is_beat
        waiting = 0 if self.queue is None else self.queue.waiting
        if is_beat and not (self.waits or held or self.used or waiting):
            self._idle_beats += 1
            if self._idle_beats >= _IDLE_BEATS:
                return -1
        else:
            self._idle_beats = 0
        return self.slots if self.extra else min(self.slots, max(self.share, self.used))

    def may_have_extra(self, rank_in_hand: int | None) -> bool:
        """Whether a new image need not wait for the requests at the host, all of lower priority.

        A healthy host takes one more request without harm.
        """
        if self.queue is None or rank_in_hand is None or self.urgent_rank >= rank_in_hand or self.extra:
            return False
        limiter = self.queue.limiter
        return self.used >= self.slots > 0 and limiter.is_closed and not limiter.is_limited

    def decision(self, now: float) -> HostLimits:
        """What the limiter of the host has decided; if it was given up, its waiting images are dismissed."""
        assert self.queue is not None  # noqa: S101  # buckets have no limiter
        limiter = self.queue.limiter
        self.is_dismissing = limiter.is_given_up(now) and limiter.rest_until > now
        return limiter.limits(now)

    def why_dismissed(self) -> tuple[Cause, str]:
        """The cause and text with which images at a host that was given up fail."""
        failure = None if self.queue is None else self.queue.limiter.failure
        if failure is None:
            return Cause.CONNECT, "the host failed every time lately"
        return failure.cause, f"{failure.detail}; the host failed every time lately"


class Leases:
    """All leases of this worker."""

    def __init__(self, hosts: HostPool) -> None:
        self.of_host: dict[int, Lease] = {}
        self._of_origin: dict[str, Lease] = {}
        self._hosts = hosts

    def at(self, origin_key: str) -> Lease | None:
        """The lease of a host by its origin."""
        return self._of_origin.get(origin_key)

    @property
    def slots(self) -> int:
        """How many slots of hosts this worker has in all."""
        return sum(lease.slots for lease in self.of_host.values() if lease.queue is not None)

    @property
    def buckets(self) -> list[Lease]:
        """The buckets that this worker sorts."""
        return [lease for lease in self.of_host.values() if lease.queue is None and not lease.is_quarantine]

    def learn(self, row: LeaseRow) -> Lease:
        """Takes over what the database says of a lease; a newer decision of another worker counts."""
        lease = self.of_host.get(row.host.host_id)
        is_new = lease is None
        if lease is None:
            queue = None if row.host.host_id <= 0 else self._hosts.queue(row.host.origin)
            if queue is not None:
                queue.is_held = True
            lease = self.of_host[row.host.host_id] = self._of_origin[row.host.origin] = Lease(row, queue)
        if lease.queue is not None and (is_new or row.host.version != lease.version):
            lease.queue.limiter.changed = False
            lease.queue.adopt(row.host.limits)
            lease.version, lease.most = row.host.version, row.host.limits.most
        lease.others, lease.before = row.others, row.before
        self.set_slots(lease, row.slots)
        return lease

    def set_slots(self, lease: Lease, slots: int) -> None:
        """Lets the host's queue use its slots; beyond its share a worker begins nothing new."""
        lease.slots = slots
        if lease.queue is not None:
            lease.queue.lease(min(slots, lease.share))

    def decided(self, lease: Lease, version: int, limits: HostLimits) -> None:
        """Notes that a decision of this worker counts now, under a version."""
        lease.version, lease.most = version, limits.most
        self.set_slots(lease, lease.slots)

    def kept(self, lease: Lease, slots: int, in_flight: int) -> None:
        """Notes how many slots were kept of a lease; of -1 it is given back."""
        lease.in_flight_told = in_flight
        if slots < 0:
            self.drop(lease)
        else:
            self.set_slots(lease, slots)

    def begin_extra(self, lease: Lease) -> None:
        """Lets the host's queue use an extra slot, once what it is for waits there."""
        if lease.extra and lease.queue is not None:
            lease.queue.lease(min(lease.slots, lease.share + lease.extra))

    def end_extra(self, lease: Lease) -> None:
        """Takes an extra slot away again: a request has ended, so there is room without it."""
        if lease.extra:
            lease.extra = 0
            self.set_slots(lease, lease.slots)

    def drop(self, lease: Lease) -> None:
        """Forgets a lease that was given back."""
        self.of_host.pop(lease.host_id, None)
        self._of_origin.pop(lease.origin, None)
        if lease.queue is not None:
            lease.queue.is_held = False
            self._hosts.lease(lease.origin, 0)

    def drop_all_but(self, host_ids: Collection[int]) -> None:
        """Forgets leases that this worker does not have any more."""
        for lease in [lease for host_id, lease in self.of_host.items() if host_id not in host_ids]:
            self.drop(lease)
