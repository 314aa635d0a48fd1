"""Undoes the content coding of a body while it arrives: in a thread, one bounded step after the other.

The event loop only hands pieces over and takes them back. What a coding is, is in `codings`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from retailpulse.fetch.http.codings import Coding, Decompressor

FULL_BYTES = 65_536
"""So much that waits to be unpacked is enough: the transfer pauses."""
_FIRST_STEP_BYTES = 65_536
MOST_STEP_BYTES = 262_144
"""What a step may give: less than a millisecond of a thread, which others wait for."""


class Decompression:
    """One body on its way through a thread. It calls back in the loop, and never from within `feed`.

    `find_room` says whether that many more bytes may be kept; if not, it has `go_on` called later.
    `deliver` takes what was unpacked, and says whether more is wanted. `ready` is called when more may be
    fed, `failed` with what ended it.
    """

    def __init__(
        self,
        coding: Coding,
        threads: Executor | None,
        *,
        find_room: Callable[[int], bool],
        deliver: Callable[[bytes], bool],
        ready: Callable[[], object],
        failed: Callable[[BaseException | None], object],
    ) -> None:
        self._decompressor = Decompressor(coding)
        self._threads = threads
        self._find_room = find_room
        self._deliver = deliver
        self._ready = ready
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._step_bytes = _FIRST_STEP_BYTES
        self._step: asyncio.Future[bytes] | None = None
        self._idle: asyncio.Future[None] | None = None
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether enough input waits, so that the transfer should pause."""
        return len(self._waiting) >= FULL_BYTES

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body as it was sent."""
        self._waiting += piece
        self.go_on()

    def go_on(self) -> None:
        """Begin the next step, if there is one and it has room."""
        if self._step is not None or self._is_over or not (self._waiting or self._decompressor.has_more):
            return
        if not self._find_room(self._step_bytes):
            return
        data = bytes(self._waiting)
        self._waiting.clear()
        self._step = self._loop.run_in_executor(
            self._threads, self._decompressor.step, data, self._step_bytes
        )
        self._step.add_done_callback(self._on_step)

    async def finish(self) -> None:
        """Wait until all that was fed is unpacked, or nothing more is wanted."""
        if not self._is_idle():
            self._idle = self._loop.create_future()
            await self._idle

    def check_end(self) -> None:
        """Raise TryFailed `truncated` if the body ended before its coding did."""
        if not self._is_over:
            self._decompressor.check_end()

    def close(self) -> None:
        """Take and give nothing any more; a step that runs is finished and dropped."""
        self._is_over = True
        self._waiting.clear()

    def _is_idle(self) -> bool:
        return self._is_over or (self._step is None and not self._waiting and not self._decompressor.has_more)

    def _on_step(self, step: asyncio.Future[bytes]) -> None:
        self._step = None
        error = None if step.cancelled() else step.exception()
        if self._is_over or step.cancelled():
            return
        if error is not None:
            self._end(error)
        elif (unpacked := step.result()) and not self._deliver(unpacked):
            self._end(None)
        else:
            self._step_bytes = min(2 * self._step_bytes, MOST_STEP_BYTES)
            self.go_on()
            if not self.is_full:
                self._ready()
        if self._idle is not None and self._is_idle() and not self._idle.done():
            self._idle.set_result(None)

    def _end(self, error: BaseException | None) -> None:
        self.close()
        self._failed(error)
