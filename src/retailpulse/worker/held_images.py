"""What this worker has in hand: grants and their images, by host and by job.

An image is in hand from its claim until its result is queued to be written; it is at its host until its body
is there, or it has failed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage
from retailpulse.fetch import Place
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.losses import QUARANTINE


class Grant:
    """Images of one job at one host that were given to this worker; `unsettled` have no result yet."""

    __slots__ = ("depth", "grant_id", "host_id", "job_id", "rank", "unsettled")

    def __init__(self, granted: Granted, unsettled: int) -> None:
        self.grant_id = granted.grant_id
        self.host_id = granted.host_id
        self.rank = granted.rank
        self.job_id = granted.job_id
        self.depth: Depth = granted.depth
        self.unsettled = unsettled

    @property
    def is_quarantined(self) -> bool:
        """Whether its images were lost with workers before, and are to be tried alone."""
        return self.host_id == QUARANTINE


class HeldImage:
    """One image in hand and the task that works on it."""

    __slots__ = ("grant", "image", "is_at_host", "place", "task")

    def __init__(self, grant: Grant, image: PendingImage, order: tuple[int, float]) -> None:
        self.grant = grant
        self.image = image
        self.place = Place(order, unleased=grant.host_id <= 0)
        self.is_at_host = True
        self.task: asyncio.Task[None] | None = None


class HeldImages:
    """All of it; `on_room` is told of a host where one image fewer is."""

    def __init__(self, on_room: Callable[[int], None]) -> None:
        self._on_room = on_room
        self._of_job: dict[UUID, set[HeldImage]] = {}
        self._at_host: Counter[int] = Counter()
        self._of_host: Counter[int] = Counter()
        self._ranks: dict[int, Counter[int]] = {}
        self._times: dict[UUID, float] = {}
        self._now = 0.0
        self._put_down: list[HeldImage] = []
        self.count = 0

    def take(self, granted: Granted, images: Sequence[PendingImage]) -> list[HeldImage]:
        """Takes images of a grant in hand; their order among all others is fair to each job."""
        grant = Grant(granted, len(images))
        time = max(self._times.get(grant.job_id, 0.0), self._now)
        held = []
        for image in images:
            time += 1.0
            held.append(HeldImage(grant, image, (grant.rank, time)))
        self._times[grant.job_id] = time
        self._of_job.setdefault(grant.job_id, set()).update(held)
        self._at_host[grant.host_id] += len(held)
        self._of_host[grant.host_id] += len(held)
        self._ranks.setdefault(grant.host_id, Counter())[grant.rank] += len(held)
        self.count += len(held)
        return held

    def fetched(self, held: HeldImage) -> None:
        """Says that an image is not at its host any more."""
        if held.is_at_host:
            held.is_at_host = False
            self._now = max(self._now, held.place.order[1])
            host_id, rank = held.grant.host_id, held.grant.rank
            self._at_host[host_id] -= 1
            self._ranks[host_id][rank] -= 1
            if not self._ranks[host_id][rank]:
                del self._ranks[host_id][rank]
            if not self._at_host[host_id]:
                del self._at_host[host_id], self._ranks[host_id]

    def done(self, held: HeldImage) -> bool:
        """Says that one image is not in hand any more; whether it was the last one of its job here."""
        self.fetched(held)
        self._count_off(held.grant.host_id)
        job = self._of_job[held.grant.job_id]
        job.discard(held)
        self.count -= 1
        if not job:
            del self._of_job[held.grant.job_id]
            del self._times[held.grant.job_id]
        return not job

    def _count_off(self, host_id: int) -> None:
        self._of_host[host_id] -= 1
        if not self._of_host[host_id]:
            del self._of_host[host_id]
        self._on_room(host_id)

    def put_down(self, held: HeldImage) -> None:
        """Says that an image is left for another worker."""
        self._put_down.append(held)

    def take_put_down(self) -> list[HeldImage]:
        """The images that were left since this was asked last."""
        left, self._put_down = self._put_down, []
        return left

    def grants(self) -> set[Grant]:
        """The grants of all images in hand."""
        return {held.grant for job in self._of_job.values() for held in job}

    def at_host(self, host_id: int) -> int:
        """How many images wait for a host here or are being fetched from it."""
        return self._at_host[host_id]

    def of_host(self, host_id: int) -> int:
        """How many images of a host are in hand, those included that only wait to be measured."""
        return self._of_host[host_id]

    def rank_at(self, host_id: int) -> int | None:
        """The lowest rank, that is the highest priority, of the images at a host."""
        return min(self._ranks.get(host_id, ()), default=None)

    def jobs(self) -> list[UUID]:
        """The jobs of all images in hand."""
        return list(self._of_job)

    def of_job(self, job_id: UUID) -> list[HeldImage]:
        """The images of a job in hand."""
        return list(self._of_job.get(job_id, ()))

    def of_jobs(self) -> dict[UUID, int]:
        """How many images of each job are in hand."""
        return {job_id: len(held) for job_id, held in self._of_job.items()}

    def all(self) -> list[HeldImage]:
        """All images in hand."""
        return [held for job in self._of_job.values() for held in job]

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
