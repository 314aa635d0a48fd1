"""Profiles of the children of `serve`: it alone may look into all of them, and it does so when the API asks.

One at a time. The API gets a picture, never the right to look. What makes it is in `process`.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from retailpulse.domain.errors import Conflict, NotFound, NotProfiled
from retailpulse.domain.profiles import MOST_SECONDS, ProfileKind
from retailpulse.process.links import Admit, Answer, Link, Look, Names, Question, TraceMemory
from retailpulse.process.local_processes import local_processes
from retailpulse.process.profiler import START_SECONDS, record
from retailpulse.process.signals import first

ADMIT_SECONDS = 2.0


class Ends:
    """Both ends of a pair of sockets: `theirs` is for a child, `ours` for a link of our own."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._theirs.close()
        self._ours.close()

    @property
    def theirs(self) -> int:
        """The end of the child, which inherits it."""
        return self._theirs.fileno()

    def hand_over(self) -> None:
        """Closes the end of the child here, once it has it."""
        self._theirs.close()

    def link(self) -> contextlib.AbstractAsyncContextManager[Link]:
        """A link over our end, which closes it."""
        return Link.over(self._ours.detach())


class Profiles:
    """Looks into the children that are known, by their names of `local_processes`, until a stop."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._links: dict[int, Link] = {}
        self._looking = asyncio.Lock()

    @contextlib.contextmanager
    def known(self, pid: int, link: Link) -> Iterator[None]:
        """Knows a child while the block runs, by the link over which it answers."""
        self._links[pid] = link
        try:
            yield
        finally:
            del self._links[pid]

    async def answer(self, question: Question) -> Answer:
        """Answers the API; raises NotProfiled, NotFound or Conflict."""
        match question:
            case Names():
                return Answer(names=tuple(await self._children()))
            case Look(process=process, kind=kind, seconds=seconds) if 1 <= seconds <= MOST_SECONDS:
                looking = asyncio.create_task(self._look(process, kind, seconds))
                return Answer(content=await self._unless_stopped(looking))
        raise NotProfiled("serve does not do that")

    async def _unless_stopped(self, looking: asyncio.Task[bytes]) -> bytes:
        try:
            await first(looking, self._stop.wait())
            if not looking.done():
                raise NotProfiled("the service stops")
        finally:
            looking.cancel()
            await asyncio.wait([looking])
        return looking.result()

    async def _look(self, process: str, kind: ProfileKind, seconds: int) -> bytes:
        if self._looking.locked():
            raise Conflict("another profile is being made: one process is looked into at a time")
        async with self._looking:
            children = await self._children()
            if process not in children:
                raise NotFound(f"there is no process {process}; there are {', '.join(children)}")
            pid = children[process]
            if kind is ProfileKind.MEMORY:
                return await self._memory(self._links[pid], process, seconds)
            return await self._cpu(self._links[pid], pid, seconds)

    async def _children(self) -> dict[str, int]:
        """The numbers of our children by their names: those that answer."""
        found = await asyncio.to_thread(local_processes)
        return {one.name: one.pid for one in found if one.pid in self._links and one.parent == os.getpid()}

    async def _cpu(self, link: Link, pid: int, seconds: int) -> bytes:
        await _admit(link, os.getpid())
        try:
            return await record(pid, seconds, ".svg")
        finally:
            await _admit(link, 0)

    async def _memory(self, link: Link, process: str, seconds: int) -> bytes:
        most_seconds = seconds + START_SECONDS
        try:
            async with asyncio.timeout(most_seconds):
                return (await link.ask(TraceMemory(seconds))).content
        except TimeoutError:
            raise NotProfiled(f"{process} did not answer within {most_seconds:g} s") from None


async def _admit(link: Link, pid: int) -> None:
    """Has a child admit a process, if it answers: one that is stuck is looked into all the more."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(ADMIT_SECONDS):
            await link.ask(Admit(pid))
