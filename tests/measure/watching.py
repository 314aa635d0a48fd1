"""Watching decoder processes from outside, and a picture that keeps one busy."""

import asyncio
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image

from tests.measure.pictures import saved
from tests.processes import children, command, stat
from tests.running import wait_for


@cache
def endless(width: int = 4000, height: int = 3000) -> bytes:
    """A small JPEG that keeps its decoder busy: many passes over many pixels.

    A fast processor is done with the smallest in less than half a second: what must outlast that is larger.
    """
    body = saved("JPEG", Image.new("L", (width, height), 128), progressive=True)
    last_scan = body[body.rindex(b"\xff\xda") : -2]
    return body[:-2] + 90 * last_scan + b"\xff\xd9"


def fork_servers(owner: int) -> list[int]:
    return [pid for pid in children(owner) if "process_pool.fork_server" in command(pid)]


def fork_server(owner: int) -> int:
    (pid,) = fork_servers(owner)
    return pid


def ring_bytes(decoder: int) -> int:
    fds = Path(f"/proc/{decoder}/fd").iterdir()
    (ring_buffer,) = (fd for fd in fds if "memfd:body" in str(fd.readlink()))
    return ring_buffer.stat().st_size


def alive(owner: int | None = None) -> list[int]:
    """The decoders of a process, oldest first."""
    return [pid for parent in fork_servers(owner or os.getpid()) for pid in children(parent)]


async def until(condition: Callable[[], object]) -> None:
    """Waits for a condition, in a thread, so that the decoders go on."""
    await asyncio.to_thread(wait_for, condition)


async def until_busy(pid: int) -> None:
    """Until a process has worked for some ticks of its clock."""
    before = int(stat(pid)[11])
    await until(lambda: int(stat(pid)[11]) > before + 2)
