"""Measuring in processes of their own, so that a picture that kills its decoder costs only itself.

Here is who measures what and when; what passes between the processes is in `processes`, what runs in them
in `nursery` and `decoder`. Weak: a decoder is not sandboxed, it only cannot take the worker down.
"""

import asyncio
import signal
from contextlib import nullcontext

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth, Header, Measurement
from retailpulse.measure.answers import Answer, Ended, Failed, Measured, Missing
from retailpulse.measure.body import measure_body
from retailpulse.measure.header import read_header
from retailpulse.measure.processes import Decoder, Nursery

BIG_PIXELS = 50_000_000
"""Pictures of more pixels are decoded one at a time: each takes hundreds of megabytes."""
AT_ONCE_BYTES = 65_536
"""A body up to this size that needs no decoder is measured on the spot: a thread would take longer."""
ATTEMPTS = 3
"""How often a body is handed out; decoders that end before they take it are a fault of the machine."""


class Decoders:
    """Measures bodies and decodes in processes of their own: a picture that kills one costs only itself.

    No process is started before the first body needs one.
    """

    def __init__(self, settings: MeasureSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.decoders)
        self._big = asyncio.Lock()
        self._starting = asyncio.Lock()
        self._nursery: asyncio.Task[Nursery] | None = None
        self._open: set[Decoder] = set()
        self._idle: list[Decoder] = []
        self._forked = 0
        self._is_closed = False

    async def measure(self, body: bytes, depth: Depth) -> Measurement:
        """Measure a whole body as `measure_body` does, in another process where it is decoded.

        Raises its ImageErrors, ImageError `decoder_crashed` and `timeout`, ImportError where a library is
        missing, OSError where no decoder can be started, and RuntimeError once the decoders are closed.
        """
        if depth is not Depth.DECODE:
            return await self._measure_here(body, depth)
        header = read_header(body, self._settings.max_pixels)
        is_big = header is not None and header.width * header.height > BIG_PIXELS
        # Big ones queue before they take a decoder, so that small ones do not wait behind their queue.
        async with self._big if is_big else nullcontext(), self._slots:
            answer = await self._ask(body)
        return self._judge(answer, header, body)

    async def aclose(self) -> None:
        """Kill all processes; who waits for one gets a RuntimeError."""
        self._is_closed = True
        for decoder in list(self._open):
            decoder.abort()
        async with self._starting:
            nursery, self._nursery = self._nursery, None
            if nursery is not None:
                await _end(nursery)

    async def _measure_here(self, body: bytes, depth: Depth) -> Measurement:
        """Measure what needs no decoder: our own readers and a hash; a hash of much is a thread's work."""
        if self._is_closed:
            raise RuntimeError("the decoders are closed")
        if len(body) <= AT_ONCE_BYTES:
            return measure_body(body, depth, self._settings.max_pixels)
        async with self._slots:
            return await asyncio.to_thread(measure_body, body, depth, self._settings.max_pixels)

    async def _ask(self, body: bytes) -> Answer:
        for _ in range(ATTEMPTS):
            try:
                decoder = await self._take()
            except ConnectionError:  # the nursery has just gone; another one is started
                continue
            try:
                answer = await decoder.measure(body, self._settings.timeout_seconds)
            finally:
                self._put_back(decoder)
            if answer is not None:
                return answer
        raise OSError("decoder processes end before they can be used")

    async def _take(self) -> Decoder:
        """An idle decoder, or a new one."""
        while self._idle:
            decoder = self._idle.pop()
            if decoder.is_open:
                return decoder
            self._open.discard(decoder)
        nursery = await self._living_nursery()
        if self._is_closed:
            raise RuntimeError("the decoders are closed")
        self._forked += 1
        decoder = Decoder(nursery, self._forked)
        self._open.add(decoder)
        return decoder

    def _put_back(self, decoder: Decoder) -> None:
        if decoder.is_open:
            self._idle.append(decoder)
        else:
            self._open.discard(decoder)

    async def _living_nursery(self) -> Nursery:
        async with self._starting:
            if self._is_closed:
                raise RuntimeError("the decoders are closed")
            if self._nursery is not None and not await _is_alive(self._nursery):
                await _end(self._nursery)
                self._nursery = None
            if self._nursery is None:
                self._nursery = asyncio.create_task(asyncio.to_thread(Nursery, self._settings))
            # Who waits may be cancelled; the process must not get lost.
            return await asyncio.shield(self._nursery)

    def _judge(self, answer: Answer, header: Header | None, body: bytes) -> Measurement:
        match answer:
            case Measured() if header is not None:
                return Measurement(
                    header=header, size_bytes=len(body), sha256=answer.sha256, suspect=answer.suspect
                )
            case Failed():
                raise ImageError(answer.cause, answer.detail)
            case Missing():
                raise ImportError(answer.text)
            case Ended(code) if code == -signal.SIGALRM:
                detail = f"not decoded within {self._settings.timeout_seconds:g} s"
                raise ImageError(Cause.TIMEOUT, detail)
            case Ended(code):
                raise ImageError(Cause.DECODER_CRASHED, _obituary(code))
        raise ImageError(Cause.DECODER_CRASHED, "the decoder measured what has no size")


def _obituary(code: int) -> str:
    """How a decoder ended, in words."""
    if code >= 0:
        return f"the decoder ended with code {code}"
    try:
        return f"the decoder was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"the decoder was killed by signal {-code}"


async def _is_alive(nursery: asyncio.Task[Nursery]) -> bool:
    """Whether it started and still runs."""
    await asyncio.wait({nursery})
    return nursery.exception() is None and nursery.result().is_alive()


async def _end(nursery: asyncio.Task[Nursery]) -> None:
    await asyncio.wait({nursery})
    if nursery.exception() is None:
        await asyncio.to_thread(nursery.result().close)
