"""A process in which one image at a time is fetched and measured, and what its parent sees of it.

It is told by its standard input and answers by its standard output, a line of JSON each. No URL or password
of the database reaches it. Not here: which images, and what follows from its end.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable
from typing import Self

import msgspec

from retailpulse.config.settings import FetchSettings, MeasureSettings
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage, Result
from retailpulse.loop_heartbeat import LoopWatch

READY = b"ready\n"
CANNOT_TRY = 75
"""Its exit code where it misses something, which is not the fault of an image."""
EXIT_SECONDS = 5.0
"""How long one that has closed its output may take to end."""
LONGEST_LINE_BYTES = 4_000_000
_PRIVATE = ("RETAILPULSE_", "PG")


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What such a process is told first."""

    fetch: FetchSettings
    measure: MeasureSettings


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """An image that it is to try."""

    image: PendingImage
    depth: Depth


class Lost(Exception):
    """The process has ended without an answer; the text goes on after its name."""


class CannotTry(Exception):
    """The process cannot be used, whatever the image."""


class LoneProcess:
    """One such process; `start` it, and `end` it."""

    def __init__(self, child: asyncio.subprocess.Process, watch: LoopWatch) -> None:
        self._child = child
        self._watch = watch

    @classmethod
    async def start(cls, setup: Setup) -> Self:
        """Starts a process and waits until it is ready; raises OSError or CannotTry where it cannot be."""
        with contextlib.ExitStack() as undo:
            watch = undo.enter_context(LoopWatch())
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "retailpulse.worker.quarantine_process", str(watch.writing_end),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE_BYTES,
                env=_environment(), pass_fds=[watch.writing_end], start_new_session=True,
            )  # fmt: skip
            undo.callback(_kill, child)
            watch.hand_over()
            await _send(child, setup)
            if await _line(child) != READY:
                raise CannotTry(f"the process {_how_it_ended(await _patient(child.wait()))} at its start")
            undo.pop_all()
        return cls(child, watch)

    async def ask(self, trial: Trial, stall_seconds: float) -> Result:
        """What comes of an image; raises Lost where the process ends, or its loop stands still so long."""
        answering = asyncio.create_task(self._answer(trial))
        stalling = asyncio.create_task(self._watch.until_stalled(stall_seconds))
        try:
            await asyncio.wait({answering, stalling}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise Lost(f"did nothing any more for {stall_seconds:g} s")
            return answering.result()
        finally:
            answering.cancel()
            stalling.cancel()

    async def _answer(self, trial: Trial) -> Result:
        await _send(self._child, trial)
        line = await _line(self._child)
        if not line.endswith(b"\n"):
            # Not killed before that: `send_signal` of asyncio may take its exit status away from `wait`.
            code = await _patient(self._child.wait())
            if code == CANNOT_TRY:
                raise CannotTry("the process misses a library")
            raise Lost(_how_it_ended(code))
        try:
            return msgspec.json.decode(line, type=Result)
        except msgspec.DecodeError:
            raise Lost("gave no answer that makes sense") from None

    async def end(self) -> None:
        """Ends the process, and its pipes with it; what it works on is dropped."""
        _kill(self._child)
        self._watch.close()
        await self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if isinstance(pipe, asyncio.StreamWriter):
                pipe.close()
            elif pipe is not None:
                await pipe.read()


async def _send(child: asyncio.subprocess.Process, message: msgspec.Struct) -> None:
    assert child.stdin is not None  # noqa: S101  # it is a pipe
    with contextlib.suppress(ConnectionError):  # its end is told by its output
        child.stdin.write(msgspec.json.encode(message) + b"\n")
        await child.stdin.drain()


async def _line(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None  # noqa: S101  # it is a pipe
    with contextlib.suppress(ConnectionError, ValueError):  # ValueError: a line without an end
        return await child.stdout.readline()
    return b""


def _kill(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()


def _environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(_PRIVATE)}


async def _patient(ending: Awaitable[int]) -> int | None:
    """The exit code of a process that has closed its output; None where it lives on."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(ending, EXIT_SECONDS)
    return None


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "gave no answer"
    if code >= 0:
        return f"ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
