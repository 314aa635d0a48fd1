"""Admission control: how many images may wait for a result before submits are refused for now."""

import asyncio

from retailpulse.domain.errors import Busy
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.database import Connection

COUNT_SECONDS = 1.0
"""How old the count of the images that wait may be."""


class AdmissionControl:
    """How many images wait: counted now and then, with those added that came since.

    Weak: each API process counts for itself, so that several of them may let in some jobs too many.
    """

    def __init__(self, max_images: int) -> None:
        self._max_images = max_images
        self._images = 0
        self._counted_at = float("-inf")

    async def admit(self, connection: Connection, images: int) -> None:
        """Counts more images; raises Busy if there are too many. One job alone always has room."""
        now = asyncio.get_running_loop().time()
        if now - self._counted_at > COUNT_SECONDS:
            self._counted_at = now
            self._images = await jobs.count_unsettled(connection)
        if self._images and self._images + images > self._max_images:
            raise Busy(
                f"{self._images} images wait for a result, and {self._max_images} may; send this again later"
            )
        self._images += images
