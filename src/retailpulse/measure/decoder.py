"""The inside of a decoder: takes one body after the other out of shared memory and answers for each.

Its limits are the kernel's: an alarm that kills it in the middle of C code, and a cap on its memory.
Weak: it runs with the rights of the worker; what takes it over can read what the worker can read.
"""

import contextlib
import os
import resource
import signal
import socket
from pathlib import Path

import msgspec

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth, Format
from retailpulse.measure.answers import MAX_TEXT, REQUEST, TAKEN, Failed, Measured, Missing, encode
from retailpulse.measure.body import measure_body
from retailpulse.measure.header import read_header

KEPT_BYTES = 8_000_000
"""Shared memory that stays with a decoder; what a larger body took goes back as soon as it is read."""
MOST_BYTES_PER_PIXEL = 16
"""What the hungriest decoder (lossless WebP) needs; measured: 13."""
SILENT_FORMATS = frozenset({Format.WEBP, Format.AVIF, Format.HEIC})
"""Their decoders often do not say that they ran out of memory."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a decoder may use."""

    max_pixels: int
    timeout_seconds: float
    memory_bytes: int


def serve(channel: socket.socket, shelf_fd: int, limits: Limits) -> None:
    """Measure each body that the worker lays on the shelf and announces, until it closes the channel."""
    _confine(limits.memory_bytes)
    with contextlib.suppress(ConnectionError):  # the worker left while it was told something
        while request := channel.recv(REQUEST.size):
            (length,) = REQUEST.unpack(request)
            os.pwrite(shelf_fd, TAKEN, 0)  # from here on, the end of this process is the body's fault
            # No handler: the kernel itself ends this process, whatever it is busy with.
            signal.setitimer(signal.ITIMER_REAL, limits.timeout_seconds)
            answer = _measure(shelf_fd, length, limits)
            signal.setitimer(signal.ITIMER_REAL, 0)
            channel.send(encode(answer))


def _confine(memory_bytes: int) -> None:
    """Cap the memory, leave no core files, and let the kernel take this process first when it runs out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or hard > memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _measure(shelf_fd: int, length: int, limits: Limits) -> Measured | Failed | Missing:
    try:
        body = os.pread(shelf_fd, length, len(TAKEN))
        if length > KEPT_BYTES:
            os.ftruncate(shelf_fd, KEPT_BYTES)
        return _measure_body(body, limits)
    except ImportError as error:
        return Missing(str(error)[:MAX_TEXT])
    except MemoryError:
        return Failed(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")


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
    if header is None or header.format not in SILENT_FORMATS:
        return False
    return header.width * header.height * MOST_BYTES_PER_PIXEL > limits.memory_bytes
