"""The inside of a decoder: takes one body after the other from the ring buffer, answers for them in batches.

Its limits are the kernel's: a sandbox, alarms that kill it in the middle of C code, a cap on its memory.
Weak: what takes it over can put its alarms off, until the worker has it killed; it sees the bodies to come.
"""

import contextlib
import hashlib
import os
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from mmap import mmap
from pathlib import Path
from time import monotonic

from retailpulse.analyze import Analyzer, Picture, ask
from retailpulse.config.settings import MeasureSettings, Sandbox
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Header
from retailpulse.measure import formats
from retailpulse.measure.body import decode_body
from retailpulse.measure.header import read_header
from retailpulse.measure.process_pool import sandbox
from retailpulse.measure.process_pool.drawing import DRAWING, draw_into, wanted_kinds
from retailpulse.measure.process_pool.protocol import (
    BATCH,
    MAX_TEXT,
    REQUEST,
    Failed,
    Measured,
    Missing,
    Reply,
    Skipped,
    encode,
)
from retailpulse.measure.process_pool.ring_buffer import ANALYZING, DONE, SHELF_BYTES, TAKEN, WAITING, Room
from retailpulse.measure.process_pool.stderr import first_line, read_said

KEPT_BYTES = SHELF_BYTES
"""Shared memory that stays with a decoder; a larger body comes in a file of its own and leaves with it."""
HELD_SECONDS = 0.01
"""An answer older than this does not wait for the next body of its batch to be measured."""
CLOCK_FACTOR = 20
"""Times its CPU time that a decode may take by the clock: on a busy machine it waits most of the time."""
MOST_BYTES_PER_PIXEL = max(image_format.bytes_per_pixel for image_format in formats.ALL)
"""What the hungriest decoder needs."""


def serve(
    channel: socket.socket,
    shelf_fd: int,
    said_fd: int,
    settings: MeasureSettings,
    analyzers: Sequence[Analyzer],
) -> None:
    """Measure all bodies that the worker announces, in their order, until it closes the channel.

    What the libraries write to standard error comes out of `said_fd`. Every library is loaded already.
    """
    _limit(settings.memory_bytes)
    ring_buffer = mmap(shelf_fd, SHELF_BYTES)
    os.close(shelf_fd)
    _confine(settings.sandbox)
    child = _Child(ring_buffer, said_fd, settings, analyzers)
    with contextlib.suppress(ConnectionError):  # the worker left while it was told something
        while True:
            requests, fds, _, _ = socket.recv_fds(channel, BATCH * REQUEST.size, 1)
            if not requests:
                return
            for replies in child.measure_batch(requests, fds):
                channel.send(encode(replies))


class _Child:
    """What measures: it reads bodies from the ring buffer and keeps their states there."""

    def __init__(
        self, ring_buffer: mmap, said_fd: int, settings: MeasureSettings, analyzers: Sequence[Analyzer]
    ) -> None:
        self._ring_buffer = ring_buffer
        self._said_fd = said_fd
        self._settings = settings
        self._analyzers = [(ANALYZING + place, 1 << place, one) for place, one in enumerate(analyzers)]

    def measure_batch(self, requests: bytes, fds: Sequence[int]) -> Iterator[list[Reply]]:
        """The answers in the order of the requests, in as few parts as keeps none of them waiting."""
        states = self._ring_buffer
        replies: list[Reply] = []
        began = monotonic()
        for slot, left_out, offset, room_bytes, length in REQUEST.iter_unpack(requests):
            if states[slot] != WAITING:
                replies.append(Skipped())
                continue
            states[slot] = TAKEN  # from here on, the end of this process is the body's fault
            _set_alarms(self._settings.timeout_seconds)
            replies.append(self._measure(slot, left_out, fds, Room(offset, room_bytes), length))
            states[slot] = DONE
            if monotonic() - began > HELD_SECONDS:
                _set_alarms(0)
                yield replies
                replies, began = [], monotonic()
        _set_alarms(0)
        if replies:
            yield replies

    def _measure(self, slot: int, left_out: int, fds: Sequence[int], room: Room, length: int) -> Reply:
        try:
            start = room.offset
            body = _read_away(fds[0], length) if fds else self._ring_buffer[start : start + length]
            return self._measure_body(slot, left_out, room, body)
        except ImportError as error:
            failed: Missing | Failed = Missing(str(error)[:MAX_TEXT])
        except ImageError as error:
            failed = Failed(error.cause, error.detail[:MAX_TEXT])
        except MemoryError:
            failed = Failed(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")
        read_said(self._said_fd)  # nobody else's
        return failed

    def _measure_body(self, slot: int, left_out: int, room: Room, body: bytes) -> Measured:
        try:
            header, picture = decode_body(body, self._settings.max_pixels)
        except ImageError as error:
            if error.cause is Cause.CORRUPT and _may_lack_memory(body, self._settings):
                detail = "the picture does not fit into memory, or is damaged"
                raise ImageError(Cause.TOO_MANY_PIXELS, detail) from None
            raise
        if said := read_said(self._said_fd):
            picture.printed = first_line(said)
        sha256 = hashlib.sha256(body).digest()
        analyses = self._analyze(slot, left_out, header, picture)
        thumbnail_bytes = {}
        if not left_out & 1 << DRAWING and (kinds := wanted_kinds(self._settings, header, analyses)):
            self._ring_buffer[slot] = ANALYZING + DRAWING
            thumbnail_bytes = draw_into(self._ring_buffer, room, kinds, picture, header)
        if picture.was_asked:
            read_said(self._said_fd)
        return Measured(sha256, analyses, thumbnail_bytes)

    def _analyze(self, slot: int, left_out: int, header: Header, picture: Picture) -> list[Analysis]:
        """What each analyzer says that is not left out."""
        analyses = []
        for state, bit, analyzer in self._analyzers:
            if not left_out & bit:
                self._ring_buffer[slot] = state  # the end of this process is the analyzer's fault now
                analyses.append(ask(analyzer, picture, header))
        return analyses


def _set_alarms(cpu_seconds: float) -> None:
    """Have the kernel end this process, whatever it is busy with, after so much CPU time; 0: not at all."""
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, CLOCK_FACTOR * cpu_seconds)


def _limit(memory_bytes: int) -> None:
    """Cap the memory, leave no core files, and let the kernel take this process first when it runs out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or hard > memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _confine(mode: Sandbox) -> None:
    """Take everything from this process that decoding does not need; it has seen no stranger's byte yet."""
    os.environ.clear()
    if mode is not Sandbox.OFF and (lacking := sandbox.confine()) and mode is Sandbox.REQUIRED:
        raise OSError(f"decoders cannot be confined as required: no {', '.join(lacking)}")


def _read_away(fd: int, length: int) -> bytes:
    """The content of a file, which is closed, so that its memory is freed as soon as the worker frees it."""
    try:
        return os.pread(fd, length, 0)
    finally:
        os.close(fd)


def _may_lack_memory(body: bytes, settings: MeasureSettings) -> bool:
    """Whether a picture is so large that its decoder may have failed for lack of memory, and not said so."""
    header = read_header(body, settings.max_pixels)
    if header is None or formats.BY_NAME[header.format].reports_out_of_memory:
        return False
    return header.width * header.height * MOST_BYTES_PER_PIXEL > settings.memory_bytes
