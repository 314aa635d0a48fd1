"""What this worker has in hand: grants and their images, by host and by job.

An image is in hand from its claim until its result is queued to be written; it is at its host until its body
is there, or it has failed.
"""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage
from retailpulse.fetch import NO_CREDENTIALS, Credentials, QueuePlace, origin_key
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.losses import QUARANTINE
from retailpulse.telemetry.log_fields import GRANT, HOST, about


class _OfJob:
    """The images of one job in hand, and the virtual time of the last one that was taken."""

    __slots__ = ("images", "time")

    def __init__(self) -> None:
        self.images: set[HeldImage] = set()
        self.time = 0.0


class _OfHost:
    """How many images of one host are not measured, and how many of these are at the host, also by rank."""

    __slots__ = ("at_host", "ranks", "unmeasured")

    def __init__(self) -> None:
        self.unmeasured = self.at_host = 0
        self.ranks: dict[int, int] = {}


class Grant:
    """Images of one job at one host that were given to this worker; `unsettled` have no result yet."""

    __slots__ = (
        "credentials",
        "depth",
        "grant_id",
        "host_id",
        "is_analysis",
        "job_id",
        "of_host",
        "of_job",
        "rank",
        "traceparent",
        "unsettled",
    )

    def __init__(
        self, granted: Granted, unsettled: int, of_job: _OfJob, of_host: _OfHost, credentials: Credentials
    ) -> None:
        self.grant_id = granted.grant_id
        self.host_id = granted.host_id
        self.rank = granted.rank
        self.job_id = granted.job_id
        self.is_analysis = granted.is_analysis
        self.depth: Depth = granted.depth
        self.credentials = credentials
        self.traceparent = granted.traceparent
        self.unsettled = unsettled
        self.of_job = of_job  # found here for each image: the hash of a UUID is computed in Python
        self.of_host = of_host

    @property
    def is_quarantined(self) -> bool:
        """Whether its images were lost with workers before, and are to be tried alone."""
        return self.host_id == QUARANTINE


class HeldImage:
    """One image in hand and the task that works on it."""

    __slots__ = ("grant", "image", "is_at_host", "is_unmeasured", "place", "task")

    def __init__(self, grant: Grant, image: PendingImage, order: tuple[int, float]) -> None:
        self.grant = grant
        self.image = image
        self.place = QueuePlace(order, unleased=grant.host_id <= 0)
        self.is_at_host = self.is_unmeasured = True
        self.task: asyncio.Task[None] | None = None

    def log_fields(self) -> dict[str, object]:
        """The fields of each log line about it."""
        return about(self.grant.job_id, self.image.image_no) | {
            GRANT: self.grant.grant_id or None,
            HOST: origin_key(self.image.image_url),
        }


class HeldImages:
    """All images in hand; `on_room` is called with a host at which one more image may be taken."""

    def __init__(self, on_room: Callable[[int], None]) -> None:
        self._on_room = on_room
        self._of_job: dict[UUID, _OfJob] = {}
        self._of_host: dict[int, _OfHost] = {}
        self._now = 0.0
        self._put_down: list[HeldImage] = []
        self.count = 0

    def add(
        self,
        granted: Granted,
        images: Sequence[PendingImage],
        credentials: Credentials = NO_CREDENTIALS,
    ) -> list[HeldImage]:
        """Takes images of a grant in hand; their order among all others is fair to each job."""
        of_job = self._of_job.setdefault(granted.job_id, _OfJob())
        of_host = self._of_host.setdefault(granted.host_id, _OfHost())
        grant = Grant(granted, len(images), of_job, of_host, credentials)
        start = max(of_job.time, self._now)
        held = [
            HeldImage(grant, image, (grant.rank, start + number)) for number, image in enumerate(images, 1)
        ]
        of_job.time = start + len(held)
        of_job.images.update(held)
        of_host.unmeasured += len(held)
        of_host.at_host += len(held)
        of_host.ranks[grant.rank] = of_host.ranks.get(grant.rank, 0) + len(held)
        self.count += len(held)
        return held

    def fetched(self, held: HeldImage) -> None:
        """Notes that an image needs no request at its host any more."""
        if held.is_at_host:
            held.is_at_host = False
            self._now = max(self._now, held.place.order[1])
            of_host = held.grant.of_host
            of_host.at_host -= 1
            of_host.ranks[held.grant.rank] -= 1

    def measured(self, held: HeldImage) -> None:
        """Says that an image is measured, or has failed: there is room for another one of its host."""
        self.fetched(held)
        if held.is_unmeasured:
            held.is_unmeasured = False
            of_host = held.grant.of_host
            of_host.unmeasured -= 1
            if not of_host.unmeasured:
                del self._of_host[held.grant.host_id]
            self._on_room(held.grant.host_id)

    def done(self, held: HeldImage) -> bool:
        """Says that one image is not in hand any more; whether it was the last one of its job here."""
        self.measured(held)
        grant = held.grant
        grant.of_job.images.discard(held)
        self.count -= 1
        if grant.of_job.images:
            return False
        del self._of_job[grant.job_id]
        return True

    def put_down(self, held: HeldImage) -> None:
        """Notes that an image is left for another worker."""
        self._put_down.append(held)

    def pop_put_down(self) -> list[HeldImage]:
        """The images that were left since this was asked last."""
        left, self._put_down = self._put_down, []
        return left

    def grants(self) -> set[Grant]:
        """The grants of all images in hand."""
        return {held.grant for held in self.all()}

    def at_host(self, host_id: int) -> int:
        """How many images wait for a host here or are being fetched from it."""
        of_host = self._of_host.get(host_id)
        return 0 if of_host is None else of_host.at_host

    def unmeasured(self, host_id: int) -> int:
        """How many images of a host are at it, or wait to be measured."""
        of_host = self._of_host.get(host_id)
        return 0 if of_host is None else of_host.unmeasured

    def rank_at(self, host_id: int) -> int | None:
        """The lowest rank, that is the highest priority, of the images at a host."""
        of_host = self._of_host.get(host_id)
        ranks = () if of_host is None else of_host.ranks.items()
        return min((rank for rank, count in ranks if count), default=None)

    def jobs(self) -> list[UUID]:
        """The jobs of all images in hand."""
        return list(self._of_job)

    def of_job(self, job_id: UUID) -> list[HeldImage]:
        """The images of a job in hand."""
        of_job = self._of_job.get(job_id)
        return [] if of_job is None else list(of_job.images)

    def of_jobs(self) -> dict[UUID, int]:
        """How many images of each job are in hand."""
        return {job_id: len(of_job.images) for job_id, of_job in self._of_job.items()}

    def at_hosts(self) -> int:
        """How many images have not got their body yet."""
        return sum(of_host.at_host for of_host in self._of_host.values())

    def all(self) -> list[HeldImage]:
        """All images in hand."""
        return [held for of_job in self._of_job.values() for held in of_job.images]

    def untried(self, host_id: int) -> list[HeldImage]:
        """The images that wait for their first request at a host, the first in order first."""
        waiting = [
            held
            for held in self.all()
            if held.is_at_host and held.grant.host_id == host_id and not held.place.has_begun
        ]
        return sorted(waiting, key=lambda held: held.place.order)

    def not_running(self) -> list[HeldImage]:
        """The images that wait for their turn at a host, or for their next try."""
        return [held for held in self.all() if held.is_at_host and not held.place.is_running]

    def abandon(self, job_id: UUID) -> int:
        """Stops all work on a job that has ended: transfers are aborted. Returns of how many images."""
        dropped = self.of_job(job_id)
        for held in dropped:
            if held.task is not None:
                held.task.cancel()
        return len(dropped)
