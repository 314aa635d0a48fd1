"""Decides when this worker claims one more chunk: while the images that it can get on with are too few.

Enough are those of the next moment; more would only be kept from other workers. Images that only wait, for a
host that is down or for their next try, do not keep it from claiming.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from retailpulse.domain.jobs import SMALLEST_CHUNK_IMAGES
from retailpulse.worker.admission import Admission

CHUNKS_PER_CHUNK = 8
"""How many times the chunks that a worker works on it may hold, where most of their images only wait."""
FEWEST_IMAGES = 128
"""More than are ever fetched at once at default settings. Fewer do where decoding takes longer."""
SECONDS_IN_HAND = 0.25
_LOOK_SECONDS = 0.05
_RATE_SECONDS = 0.5


class Claims:
    """Counts the images in hand; `parked` tells how many of them only wait."""

    def __init__(
        self, *, chunk_images: int, chunks: int, parked: Callable[[], int], admission: Admission
    ) -> None:
        self._chunk_images = chunk_images
        self._most_images = chunk_images * chunks
        self._parked = parked
        self._admission = admission
        self._images = 0
        self._few = 0  # at so few images in hand it is worth looking again
        self._fewer = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._counted_at = self._loop.time()
        self._done = 0
        self._rate = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no image is in hand."""
        return not self._images

    async def room(self) -> bool:
        """Returns once another chunk may be claimed; False where none may any more."""
        while not self._admission.is_draining():
            self._few = self._enough() + self._parked()
            if self._images < self._few:
                break
            self._fewer.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._fewer.wait(), _LOOK_SECONDS)
        return not self._admission.is_draining()

    @contextlib.contextmanager
    def chunk(self) -> Iterator["Held"]:
        """Counts a chunk as in hand, as a small one until its size is known."""
        held = Held(self, min(self._chunk_images, SMALLEST_CHUNK_IMAGES))
        try:
            yield held
        finally:
            held.become(0)

    def change(self, images: int) -> None:
        """Counts images on or off."""
        self._images += images
        if images < 0:
            self._done -= images
            if self._images < self._few:
                self._fewer.set()

    def _enough(self) -> int:
        """How many images the worker gets done in a moment, as told by the last ones."""
        passed_seconds = self._loop.time() - self._counted_at
        if passed_seconds >= _RATE_SECONDS:
            self._rate = self._done / passed_seconds
            self._done, self._counted_at = 0, self._counted_at + passed_seconds
        fewest = SMALLEST_CHUNK_IMAGES if self._admission.is_ahead() else FEWEST_IMAGES
        return min(self._most_images, max(fewest, int(self._rate * SECONDS_IN_HAND)))


class Held:
    """The images of one chunk that are in hand."""

    def __init__(self, claims: Claims, images: int) -> None:
        self._claims = claims
        self._images = 0
        self._let_go: asyncio.Future[None] | None = None
        self.become(images)

    def become(self, images: int) -> None:
        """Says how many images are in hand now."""
        self._claims.change(images - self._images)
        self._images = images

    def done(self) -> None:
        """Says that one image is not in hand any more."""
        self._images -= 1
        self._claims.change(-1)
        if not self._images and self._let_go is not None and not self._let_go.done():
            self._let_go.set_result(None)

    async def let_go(self) -> None:
        """Waits until no image is in hand any more."""
        if self._images:
            self._let_go = asyncio.get_running_loop().create_future()
            await self._let_go
