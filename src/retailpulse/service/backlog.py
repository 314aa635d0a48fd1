"""The work that waits: how much of it may, and how more of it is taken on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import procrastinate

from retailpulse.domain.errors import Busy
from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage import queue
from retailpulse.storage.database import Connection
from retailpulse.storage.jobs import read as jobs

COUNT_SECONDS = 1.0
"""How old the count of the images that wait may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the service keeps to, from the settings of several rooms."""

    chunk_images: int
    max_unsettled_images: int
    keys_hours: float
    stale_seconds: float


class Backlog:
    """The queue of chunks, and how many images wait: counted now and then, with those added that came since.

    Weak: each API process counts for itself, so that several of them may let in some jobs too many.
    """

    def __init__(self, queue_app: procrastinate.App, max_images: int) -> None:
        self._queue = queue_app
        self._max_images = max_images
        self._images = 0
        self._counted_at = float("-inf")

    async def admit(self, connection: Connection, images: int) -> None:
        """Counts more images; raises Busy where there are too many. One job alone always has room."""
        now = asyncio.get_running_loop().time()
        if now - self._counted_at > COUNT_SECONDS:
            self._counted_at = now
            self._images = await jobs.count_unsettled(connection)
        if self._images and self._images + images > self._max_images:
            raise Busy(
                f"{self._images} images wait for a result, and {self._max_images} may; send this again later"
            )
        self._images += images

    async def send(self, connection: Connection, chunks: Sequence[ChunkKey], priority: int) -> None:
        """Queues the chunks of images that were admitted, in the transaction of `connection`."""
        await queue.send_chunks(self._queue, connection, chunks, priority)
