"""A process in which one image at a time is fetched and measured, and what its parent sees of it.

It reads requests from standard input and answers on standard output, a line of JSON each. No URL or password
of the database reaches it. Not here: which images, and what follows from its end.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import msgspec

from retailpulse.config.settings import FetchSettings, LogSettings, MeasureSettings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage
from retailpulse.domain.process_exit import how_it_ended
from retailpulse.process.loop_heartbeat import LoopWatch
from retailpulse.schema import ImageResult

READY = b"ready\n"
CANNOT_TRY = 75
"""Its exit code if it lacks a library, which is not the fault of an image."""
EXIT_SECONDS = 5.0
"""How long one that has closed its output may take to end."""
LONGEST_LINE_BYTES = 4_000_000
_PRIVATE = ("RETAILPULSE_", "PG", "OTEL_")


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The first message to such a process."""

    fetch: FetchSettings
    measure: MeasureSettings


class TryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An image for the process to try."""

    job_id: UUID
    image: PendingImage
    depth: Depth
    credentials: dict[str, Credential] = {}


class Lost(Exception):
    """The process has ended without an answer; the text goes on after its name."""


class CannotTry(Exception):
    """The process cannot be used, whatever the image."""


class ChildProcess:
    """A process that tries images alone; call `start` first and `end` last."""

    def __init__(self, child: asyncio.subprocess.Process, lines: "_Lines", watch: LoopWatch) -> None:
        self._child = child
        self._lines = lines
        self._watch = watch

    @classmethod
    async def start(cls, setup: Setup, log: LogSettings) -> Self:
        """Starts a process and waits until it is ready; raises OSError or CannotTry if it cannot start."""
        with contextlib.ExitStack() as undo:
            watch = undo.enter_context(LoopWatch())
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "retailpulse.worker.quarantine_process", str(watch.writing_end),
                msgspec.json.encode(log).decode(),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE_BYTES,
                env=_environment(), pass_fds=[watch.writing_end], start_new_session=True,
            )  # fmt: skip
            undo.callback(_kill, child)
            watch.hand_over()
            lines = _Lines.of(child)
            await lines.send(setup)
            if await lines.next() != READY:
                raise CannotTry(f"the process {_how_it_ended(await _exit_code(child.wait()))} at its start")
            undo.pop_all()
        return cls(child, lines, watch)

    async def ask(self, trial: TryRequest, stall_seconds: float) -> ImageResult:
        """What comes of an image; raises Lost if the process ends, or its loop stands still so long."""
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

    async def _answer(self, trial: TryRequest) -> ImageResult:
        await self._lines.send(trial)
        line = await self._lines.next()
        if not line.endswith(b"\n"):
            # Not killed before that: `send_signal` of asyncio may take its exit status away from `wait`.
            code = await _exit_code(self._child.wait())
            if code == CANNOT_TRY:
                raise CannotTry("the process misses a library")
            raise Lost(_how_it_ended(code))
        try:
            return msgspec.json.decode(line, type=ImageResult)
        except msgspec.DecodeError:
            raise Lost("gave no answer that makes sense") from None

    async def end(self) -> None:
        """Ends the process, and its pipes with it; what it works on is dropped."""
        _kill(self._child)
        self._watch.close()
        await self._child.wait()
        await self._lines.close()


@dataclass(frozen=True, slots=True)
class _Lines:
    """The two pipes to such a process, a line of JSON at a time."""

    there: asyncio.StreamWriter
    back: asyncio.StreamReader

    @classmethod
    def of(cls, child: asyncio.subprocess.Process) -> Self:
        """The pipes of a process that was started with both."""
        if child.stdin is None or child.stdout is None:
            raise ValueError("the process was started without pipes")
        return cls(child.stdin, child.stdout)

    async def send(self, message: msgspec.Struct) -> None:
        """Sends a message; only an answer shows that it arrived."""
        with contextlib.suppress(ConnectionError):
            self.there.write(msgspec.json.encode(message) + b"\n")
            await self.there.drain()

    async def next(self) -> bytes:
        """The next line; without its end, or empty, if there is none."""
        with contextlib.suppress(ConnectionError, ValueError):  # ValueError: a line without an end
            return await self.back.readline()
        return b""

    async def close(self) -> None:
        """Closes both pipes, once the process has ended."""
        self.there.close()
        await self.back.read()


def _kill(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()


def _environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(_PRIVATE)}


async def _exit_code(ending: Awaitable[int]) -> int | None:
    """The exit code of a process that has closed its output; None if it lives on."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(ending, EXIT_SECONDS)
    return None


def _how_it_ended(code: int | None) -> str:
    return "gave no answer" if code is None else how_it_ended(code)
