"""The inside of a decoder: takes one body after the other from the ring buffer, answers for them in batches.

Its limits are the kernel's: a sandbox, alarms that kill it in the middle of C code, a cap on its memory.
Weak: what takes it over can put its alarms off, until the worker has it killed; it sees the bodies to come.
"""

import contextlib
import os
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from mmap import mmap
from pathlib import Path
from time import monotonic

import msgspec

from retailpulse.config.settings import Sandbox
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import formats, sandbox
from retailpulse.measure.body import measure_body
from retailpulse.measure.header import read_header
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
from retailpulse.measure.process_pool.ring_buffer import DONE, SHELF_BYTES, TAKEN, WAITING
from retailpulse.measure.process_pool.stderr import first_line, read_said

KEPT_BYTES = SHELF_BYTES
"""Shared memory that stays with a decoder; a larger body comes in a file of its own and leaves with it."""
HELD_SECONDS = 0.01
"""An answer older than this does not wait for the next body of its batch to be measured."""
CLOCK_FACTOR = 20
"""Times its CPU time that a decode may take by the clock: on a busy machine it waits most of the time."""
MOST_BYTES_PER_PIXEL = max(image_format.bytes_per_pixel for image_format in formats.ALL)
"""What the hungriest decoder needs."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a decoder: bytes of memory, seconds of CPU time, pixels."""

    max_pixels: int
    timeout_seconds: float  # of CPU time, for each body
    memory_bytes: int
    sandbox: Sandbox


def serve(channel: socket.socket, shelf_fd: int, said_fd: int, limits: Limits) -> None:
    """Measure all bodies that the worker announces, in their order, until it closes the channel.

    What the libraries write to standard error comes out of `said_fd`.
    """
    _limit(limits.memory_bytes)
    ring_buffer = mmap(shelf_fd, SHELF_BYTES)
    os.close(shelf_fd)
    _confine(limits.sandbox)
    with contextlib.suppress(ConnectionError):  # the worker left while it was told something
        while True:
            requests, fds, _, _ = socket.recv_fds(channel, BATCH * REQUEST.size, 1)
            if not requests:
                return
            for replies in _measure_batch(requests, fds, ring_buffer, said_fd, limits):
                channel.send(encode(replies))


def _measure_batch(
    requests: bytes, fds: Sequence[int], ring_buffer: mmap, said_fd: int, limits: Limits
) -> Iterator[list[Reply]]:
    """The answers in the order of the requests, in as few parts as keeps none of them waiting."""
    replies: list[Reply] = []
    began = monotonic()
    for slot, offset, length in REQUEST.iter_unpack(requests):
        if ring_buffer[slot] != WAITING:
            replies.append(Skipped())
            continue
        ring_buffer[slot] = TAKEN  # from here on, the end of this process is the body's fault
        _set_alarms(limits.timeout_seconds)
        reply = _measure(ring_buffer, fds, offset, length, limits)
        said = read_said(said_fd)
        replies.append(_with_finding(reply, said) if said else reply)
        ring_buffer[slot] = DONE
        if monotonic() - began > HELD_SECONDS:
            _set_alarms(0)
            yield replies
            replies, began = [], monotonic()
    _set_alarms(0)
    if replies:
        yield replies


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


def _measure(ring_buffer: mmap, fds: Sequence[int], offset: int, length: int, limits: Limits) -> Reply:
    try:
        body = ring_buffer[offset : offset + length] if offset else _read_away(fds[0], length)
        return _measure_body(body, limits)
    except ImportError as error:
        return Missing(str(error)[:MAX_TEXT])
    except MemoryError:
        return Failed(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")


def _with_finding(reply: Reply, said: bytes) -> Reply:
    """The reply, with what the decoder's libraries wrote if nothing else was found."""
    line = first_line(said)
    if not line or not isinstance(reply, Measured) or reply.suspect is not None:
        return reply
    return Measured(reply.sha256, f"the decoder says: {line}")


def _read_away(fd: int, length: int) -> bytes:
    """The content of a file, which is closed, so that its memory is freed as soon as the worker frees it."""
    try:
        return os.pread(fd, length, 0)
    finally:
        os.close(fd)


def _measure_body(body: bytes, limits: Limits) -> Measured | Failed:
    try:
        measurement = measure_body(body, Depth.DECODE, limits.max_pixels)
    except ImageError as error:
        if error.cause is Cause.CORRUPT and _may_lack_memory(body, limits):
            return Failed(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory, or is damaged")
        return Failed(error.cause, error.detail[:MAX_TEXT])
    return Measured(measurement.sha256, measurement.suspect)


def _may_lack_memory(body: bytes, limits: Limits) -> bool:
    """Whether a picture is so large that its decoder may have failed for lack of memory, and not said so."""
    header = read_header(body, limits.max_pixels)
    if header is None or formats.BY_NAME[header.format].reports_out_of_memory:
        return False
    return header.width * header.height * MOST_BYTES_PER_PIXEL > limits.memory_bytes
