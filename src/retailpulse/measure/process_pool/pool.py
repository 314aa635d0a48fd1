"""Measuring in processes of their own, so that a picture that kills its decoder costs only itself.

Here is which decoder gets what, and how many there are; what passes between the processes is in `handle`,
what runs in them in `fork_server` and `child`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import ParamSpec, TypeVar

from retailpulse.analyze import select
from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.images import Depth, Header
from retailpulse.measure import formats
from retailpulse.measure.body import measure_body
from retailpulse.measure.formats.sniff import ended_early
from retailpulse.measure.formats.work import Work
from retailpulse.measure.header import read_header
from retailpulse.measure.pieces import joined, read_header_of
from retailpulse.measure.process_pool import sandbox
from retailpulse.measure.process_pool.fork_client import ForkServer
from retailpulse.measure.process_pool.handle import Decoder
from retailpulse.measure.process_pool.job import Job
from retailpulse.measure.process_pool.large_body import written
from retailpulse.measure.process_pool.machine_lock import MachineLock
from retailpulse.measure.process_pool.outcome import measurement_of
from retailpulse.measure.process_pool.ring_buffer import MOST_BYTES
from retailpulse.schema import Measurement
from retailpulse.telemetry.catalogue import CRASHES, DECODE
from retailpulse.telemetry.instruments import Instruments

logger = logging.getLogger(__name__)

P = ParamSpec("P")
Found = TypeVar("Found")

BIG_PIXELS = 50_000_000
"""Pictures of more pixels are decoded one at a time: each takes hundreds of megabytes."""
VAST_BYTES = 400_000_000
"""Pictures whose decoder may need more are decoded one at a time on a machine."""
AT_ONCE_BYTES = 65_536
"""A body up to this size that needs no decoder is measured on the spot: a thread would take longer."""
ATTEMPTS = 3
"""How often a body is handed out; decoders that end before they take it are a fault of the machine."""
SPARE = 2
"""Decoders beyond the setting, forked while others are at a big picture, or at one that takes long.

All but one may be at dear bodies at once: these never have the last one.
"""
LOOK_SECONDS = 0.1
"""How often decoders that owe an answer are looked at."""


class DecoderPool:
    """Measures bodies and decodes in processes of their own: a picture that kills one costs only itself.

    No process is started before the first body needs one.
    """

    def __init__(
        self,
        settings: MeasureSettings,
        *,
        instruments: Instruments | None = None,
        machine_lock: MachineLock | None = None,
    ) -> None:
        """`instruments` time each decoded body, all waits included, and count the decoders that crash.

        `machine_lock` is what the processes of this machine share for pictures that are vast.

        Raises ConfigError if the sandbox is required that this kernel does not give, or if the settings name
        an analyzer that does not exist.
        """
        if lacking := sandbox.check(settings.sandbox):
            logger.warning(
                "decoders are confined without %s, which this kernel does not give", ", ".join(lacking)
            )
        self._settings = settings
        self._analyzers = select(settings.analyzers)
        instruments = instruments or Instruments()
        self._observe = instruments.histogram(DECODE).observe
        self._crashes = instruments.counter(CRASHES, "decoder")
        self._loop = asyncio.get_running_loop()
        self._threads = asyncio.Semaphore(settings.decoders)
        self._big = asyncio.Lock()
        self._machine_lock = machine_lock or MachineLock()
        self._queue: deque[Job] = deque()
        self._big_queue: deque[Job] = deque()
        self._open: list[Decoder] = []
        self._fork_server: ForkServer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._look_again: asyncio.TimerHandle | None = None
        self._forked = 0
        self._is_due = False
        self._is_closed = False

    @property
    def crashes(self) -> int:
        """How many decoder processes crashed, for any reason."""
        return self._crashes.value

    @property
    def count(self) -> int:
        """How many decoder processes there are."""
        return len(self._open)

    @property
    def busy_count(self) -> int:
        """How many of them owe an answer."""
        return sum(not decoder.is_idle for decoder in self._open)

    async def measure(self, body: bytes | Sequence[bytes], depth: Depth) -> Measurement:
        """Measure a whole body, or its pieces, as `measure_body` does; what is decoded, in another process.

        Raises its ImageErrors, ImageError `decoder_crashed` and `timeout`, ImportError if a library is
        missing, OSError if no decoder can be started, and RuntimeError once the decoders are closed.
        """
        pieces = (body,) if isinstance(body, bytes) else body
        if depth is not Depth.DECODE:
            return await self._measure_here(pieces, depth)
        header = await self._read_header(pieces)
        size_bytes = sum(map(len, pieces))
        is_vast = _is_vast(header)
        is_big = is_vast or header.width * header.height > BIG_PIXELS or size_bytes > MOST_BYTES
        began_at = self._loop.time()
        if not is_big:
            job = await self._ask(pieces, size_bytes, is_big=False, is_dear=False)
        else:  # they queue before they take a decoder, so that small ones do not wait behind their queue
            async with self._big, self._machine_lock if is_vast else nullcontext():
                job = await self._ask(pieces, size_bytes, is_big=True, is_dear=is_vast)
        self._observe(self._loop.time() - began_at)
        return measurement_of(job.answer.result(), header, job, self._analyzers, self._settings)

    async def aclose(self) -> None:
        """Kill all processes; tasks that wait for one get a RuntimeError."""
        self._is_closed = True
        if self._look_again is not None:
            self._look_again.cancel()
        for decoder in self._open:
            decoder.abort(_closed())
        self._fail_waiting(_closed())
        if self._starting is not None:
            await asyncio.wait({self._starting})
        fork_server, self._fork_server = self._fork_server, None
        if fork_server is not None:
            await asyncio.to_thread(fork_server.close)

    async def _read_header(self, pieces: Sequence[bytes]) -> Header:
        """The header of a whole body; one that its beginning does not tell is a thread's work."""
        work = Work()
        header = read_header_of(pieces, self._settings.max_pixels, work)
        if header is not None:
            return header
        return await self._in_thread(_read_whole_header, pieces, self._settings.max_pixels, work)

    async def _measure_here(self, pieces: Sequence[bytes], depth: Depth) -> Measurement:
        """Measure what needs no decoder: our own readers and a hash; a hash of much is a thread's work."""
        if self._is_closed:
            raise _closed()
        if sum(map(len, pieces)) <= AT_ONCE_BYTES:
            return measure_body(joined(pieces), depth, self._settings.max_pixels)
        return await self._in_thread(_measure_joined, pieces, depth, self._settings.max_pixels)

    async def _in_thread(self, function: Callable[P, Found], *arguments: P.args, **others: P.kwargs) -> Found:
        async with self._threads:
            return await asyncio.to_thread(function, *arguments, **others)

    async def _ask(self, pieces: Sequence[bytes], size_bytes: int, *, is_big: bool, is_dear: bool) -> Job:
        job = Job(
            pieces=pieces,
            size_bytes=size_bytes,
            answer=self._loop.create_future(),
            is_big=is_big,
            is_alone=is_big,
            is_dear=is_dear,
        )
        if size_bytes <= MOST_BYTES:
            await self._wait(job)
            return job
        async with written(pieces) as job.file:
            await self._wait(job)
            return job

    async def _wait(self, job: Job) -> None:
        if self._is_closed:
            raise _closed()
        (self._big_queue if job.is_big else self._queue).append(job)
        self._soon()
        try:
            await job.answer
        except asyncio.CancelledError:
            if job.decoder is not None:
                job.decoder.drop(job)
            raise

    def _soon(self) -> None:
        """Hand out when this round of the loop is over: what comes in one round goes in one batch."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._hand_out)

    def _hand_out(self) -> None:
        """Give what waits to decoders that are ready, after forking those that are missing."""
        self._is_due = False
        if self._is_closed:
            return
        self._forget_answered()
        usable = [decoder for decoder in self._open if not decoder.is_slow]
        has_room = len(self._open) - len(usable) < SPARE
        if self._big_queue and has_room and (idle := self._idle(usable) or self._fork()):
            idle.hand_out(self._big_queue, 1)
            usable = [decoder for decoder in usable if decoder is not idle]
        wanted = self._settings.decoders
        while len(usable) < wanted and len(self._queue) > sum(one.is_idle for one in usable):
            if (forked := self._fork()) is None:
                break
            usable.append(forked)
        self._share_out(usable[:wanted])
        for surplus in usable[wanted:]:
            if surplus.is_idle:
                self._open.remove(surplus)
                surplus.close()
        if self._look_again is None and not all(one.is_idle for one in self._open):
            loop = asyncio.get_running_loop()
            self._look_again = loop.call_later(LOOK_SECONDS, self._look)

    def _share_out(self, decoders: Sequence[Decoder]) -> None:
        """Deal the queue out in equal parts, the first to those that have least."""
        ready = sorted((one for one in decoders if one.is_ready), key=lambda one: one.load)
        for takers, decoder in zip(range(len(ready), 0, -1), ready, strict=True):
            decoder.hand_out(self._queue, -(-len(self._queue) // takers))

    def _look(self) -> None:
        self._look_again = None
        for decoder in list(self._open):
            was_lowered = decoder.is_lowered
            decoder.look(self._settings.timeout_seconds, self._settings.analyzer_seconds)
            has_begun = decoder.is_lowered and not was_lowered
            if has_begun and sum(one.is_lowered for one in self._open) >= self._settings.decoders + SPARE:
                self._put_off(decoder)
        self._soon()

    def _put_off(self, decoder: Decoder) -> None:
        """Let an expensive body begin again later: it has the last decoder, which the others need."""
        job = decoder.revoke()
        self._open.remove(decoder)
        if job is not None:
            job.decoder = None
            job.is_big = job.is_alone = job.is_dear = True
            self._big_queue.append(job)

    def _changed(self, decoder: Decoder, left: list[Job]) -> None:
        """A decoder has answered, ended, or is slow; some of its bodies must go to another one."""
        if not decoder.is_open and decoder in self._open:
            self._open.remove(decoder)
            self._crashes.value += not decoder.is_dropped
        for job in reversed(left):
            job.decoder = None
            (self._big_queue if job.is_big else self._queue).appendleft(job)
        if left:
            self._give_up_hopeless()
        self._soon()

    def _fork(self) -> Decoder | None:
        """A new decoder, or None if there are enough, or none can be had yet."""
        if len(self._open) >= self._settings.decoders + SPARE or self._starting is not None:
            return None
        if self._fork_server is None or not self._fork_server.is_alive():
            self._start_fork_server()
            return None
        self._forked += 1
        try:
            decoder = Decoder(self._fork_server, self._forked, self._changed)
        except ConnectionError:  # the fork server has just gone; another one is started
            self._start_fork_server()
            return None
        except OSError as error:
            self._fail_waiting(error)
            return None
        self._open.append(decoder)
        return decoder

    def _start_fork_server(self) -> None:
        if self._fork_server is not None:
            for job in self._waiting():
                job.attempts += 1
            self._give_up_hopeless()
        self._starting = asyncio.create_task(self._replace_fork_server())
        self._starting.add_done_callback(self._fork_server_started)

    async def _replace_fork_server(self) -> None:
        old, self._fork_server = self._fork_server, None
        if old is not None:
            await asyncio.to_thread(old.close)
        self._fork_server = await asyncio.to_thread(ForkServer, self._settings)

    def _fork_server_started(self, starting: asyncio.Task[None]) -> None:
        self._starting = None
        if starting.cancelled() or (error := starting.exception()) is None:
            self._soon()
        else:
            self._fail_waiting(error)

    def _waiting(self) -> Iterator[Job]:
        yield from self._big_queue
        yield from self._queue

    def _forget_answered(self) -> None:
        """Drop those at the front that no task waits for any more."""
        for queue in (self._queue, self._big_queue):
            while queue and queue[0].answer.done():
                queue.popleft()

    def _give_up_hopeless(self) -> None:
        for job in self._waiting():
            if job.attempts >= ATTEMPTS:
                job.fail(OSError("decoder processes end before they can be used"))

    def _fail_waiting(self, error: BaseException) -> None:
        for job in self._waiting():
            job.fail(error)
        self._queue.clear()
        self._big_queue.clear()

    @staticmethod
    def _idle(decoders: Sequence[Decoder]) -> Decoder | None:
        return next((decoder for decoder in decoders if decoder.is_idle), None)


def _is_vast(header: Header) -> bool:
    return header.width * header.height * formats.BY_NAME[header.format].bytes_per_pixel > VAST_BYTES


def _read_whole_header(pieces: Sequence[bytes], max_pixels: int, work: Work) -> Header:
    body = joined(pieces)
    header = read_header(body, max_pixels, work)
    if header is None:
        raise ended_early(body)
    return header


def _measure_joined(pieces: Sequence[bytes], depth: Depth, max_pixels: int) -> Measurement:
    return measure_body(joined(pieces), depth, max_pixels)


def _closed() -> RuntimeError:
    return RuntimeError("the decoders are closed")
