"""Profiles of running processes, one at a time: made for a request, or begun by a page that shows it later.

The last one is kept in memory, for those who begin it by a page. Weak: another API process does not have it.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from retailpulse.domain.errors import UNEXPECTED, Conflict, InvalidRequest, NotFound, RetailPulseError
from retailpulse.domain.profiles import MOST_SECONDS, Profile, ProfileKind

logger = logging.getLogger(__name__)


class Viewer(Protocol):
    """What looks into processes; its methods raise NotProfiled, NotFound or Conflict."""

    async def names(self) -> tuple[str, ...]:
        """The processes that it can look into."""

    async def look(self, process: str, kind: ProfileKind, seconds: int) -> bytes:
        """A picture of what one does for some seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningProfile:
    """A profile that is being made; `began_at` is of the monotonic clock."""

    process: str
    kind: ProfileKind
    seconds: int
    began_at: float

    @property
    def took_seconds(self) -> float:
        """For how long it goes on."""
        return time.monotonic() - self.began_at


class Profiles:
    """Profiles of the processes that a viewer sees.

    `running` is the one that is being made. `last` is the last one that a page began, `failure` why there is
    none of it.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._task: asyncio.Task[Profile] | None = None
        self.running: RunningProfile | None = None
        self.last: Profile | None = None
        self.failure: str | None = None

    async def names(self) -> tuple[str, ...]:
        """The processes that can be looked into; raises NotProfiled."""
        return await self._viewer.names()

    async def make(self, process: str, kind: ProfileKind, seconds: int) -> Profile:
        """A profile; raises NotProfiled, NotFound, Conflict or InvalidRequest.

        It goes on if nobody waits for it any longer, and keeps others out until then.
        """
        return await asyncio.shield(self._start(process, kind, seconds))

    def begin(self, process: str, kind: ProfileKind, seconds: int) -> None:
        """Begins a profile that stands in `last` once it is made; raises Conflict or InvalidRequest."""
        self._start(process, kind, seconds).add_done_callback(self._keep)

    def picture(self) -> Profile:
        """The last one; raises NotFound."""
        if self.last is None:
            raise NotFound("this process has no profile that a page has begun")
        return self.last

    def _start(self, process: str, kind: ProfileKind, seconds: int) -> asyncio.Task[Profile]:
        if not 1 <= seconds <= MOST_SECONDS:
            raise InvalidRequest(f"seconds: a profile takes from 1 to {MOST_SECONDS}")
        if self.running is not None:
            raise Conflict("another profile is being made: one process is looked into at a time")
        self.running = RunningProfile(process=process, kind=kind, seconds=seconds, began_at=time.monotonic())
        self._task = asyncio.create_task(self._look(process, kind, seconds))
        return self._task

    async def _look(self, process: str, kind: ProfileKind, seconds: int) -> Profile:
        try:
            content = await self._viewer.look(process, kind, seconds)
        finally:
            self.running = None
        now = datetime.now(UTC)
        return Profile(process=process, kind=kind, seconds=seconds, content=content, made_at=now)

    def _keep(self, task: asyncio.Task[Profile]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self.last, self.failure = task.result(), None
        elif isinstance(error, RetailPulseError):
            self.failure = str(error)
        else:
            logger.error("a profile failed", exc_info=error)
            self.failure = UNEXPECTED
