"""Begins the work on images that were claimed, sorts those of buckets, and hands back what has not begun."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.jobs import PendingImage
from retailpulse.fetch import NO_CREDENTIALS, Credentials, origin_key
from retailpulse.schema import ImageResult
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import claims, hosts
from retailpulse.storage.scheduling.claims import Granted, ReturnedImage
from retailpulse.storage.scheduling.notifications import notify_hosts
from retailpulse.storage.scheduling.slice_builder import FEW_IMAGES
from retailpulse.telemetry.catalogue import QUEUE_WAIT
from retailpulse.worker.held_images import Grant, HeldImage
from retailpulse.worker.image_task import WorkerContext, work_on


class Dispatcher:
    """Turns grants into tasks."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._observe_wait = context.instruments.histogram(QUEUE_WAIT).observe
        self._loop = asyncio.get_running_loop()

    def begin(
        self, grant: Granted, images: Sequence[PendingImage], credentials: Credentials = NO_CREDENTIALS
    ) -> None:
        """Starts a task for each of these images of a grant."""
        for held in self._context.held_images.add(grant, images, credentials):
            held.task = self._loop.create_task(work_on(held, self._context))

    def dismiss(self, grant: Granted, cause: Cause, detail: str) -> None:
        """Fails images without asking their host, which was given up."""
        for held in self._context.held_images.add(grant, grant.images):
            result = ImageResult(
                job_id=grant.job_id,
                image_no=held.image.image_no,
                outcome=Outcome.FAILED,
                earlier=held.image.earlier,
                cause=cause,
                detail=detail,
            )
            self._context.settler.settle(result, held.grant)
            self._context.held_images.done(held)

    async def sort(
        self, connection: Connection, worker_id: int, grant: Granted, credentials: Credentials
    ) -> None:
        """Begins with images of a bucket; those of hosts that are in use, or have many, wait there."""
        origins = [origin_key(image.image_url) for image in grant.images]
        counts = Counter(origin for origin in origins if origin is not None)
        host_of = await hosts.busy_hosts(connection, counts)
        many = [origin for origin, count in counts.items() if count > FEW_IMAGES and origin not in host_of]
        host_of.update(await hosts.find_hosts(connection, many))
        spilled, own = [], []
        for image, origin in zip(grant.images, origins, strict=True):
            host_id = host_of.get(origin or "")
            if host_id is None:
                own.append(image)
            else:
                spilled.append(
                    ReturnedImage(grant_id=grant.grant_id, host_id=host_id, image_no=image.image_no)
                )
        if spilled:
            await self._spill(connection, worker_id, grant, spilled)
        if own:
            self.begin(grant, own, credentials)

    async def _spill(
        self, connection: Connection, worker_id: int, grant: Granted, images: list[ReturnedImage]
    ) -> None:
        async with connection.transaction():
            await claims.hand_back(connection, worker_id, images, [grant.job_id])
            await notify_hosts(connection, {image.host_id for image in images})

    async def hand_back(self, connection: Connection, worker_id: int, left: Iterable[HeldImage]) -> None:
        """Puts images back in line whose tasks were cancelled before they began."""
        given, counts = [], Counter[Grant]()
        for held in left:
            grant = held.grant
            given.append(
                ReturnedImage(grant_id=grant.grant_id, host_id=grant.host_id, image_no=held.image.image_no)
            )
            counts[grant] += 1
        if not given:
            return
        async with connection.transaction():
            await claims.hand_back(connection, worker_id, given, {grant.job_id for grant in counts})
            ended = [grant.grant_id for grant, count in counts.items() if grant.unsettled <= count]
            await claims.close_grants(connection, ended)
            await notify_hosts(connection, {image.host_id for image in given})
        for grant, count in counts.items():  # not before: it may have to be done again
            grant.unsettled -= count

    async def start_jobs(self, connection: Connection, granted: Sequence[Granted]) -> None:
        """Notes that jobs have begun, and how long they waited; before their work, or they end before it."""
        fresh = {grant.job_id for grant in granted if not grant.is_started}
        if fresh:
            waits = await claims.start_jobs(connection, fresh)
            for waited_seconds in waits.values():
                self._observe_wait(waited_seconds)
            self._context.job_traces.record_queue(granted, waits)
