"""Keeps pages up to date for all who look at them: each is made once a moment, one after the other.

One task does it, so that live pages take one connection to the database at most. It rests nine times as long
as a round has taken, and long enough for its tabs: the more are open, the more seldom each is made and sent.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from litestar.types import ASGIApp

from retailpulse.concurrency.cancellation import end_if_cancelled
from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.dashboard.live.live_page import LivePage
from retailpulse.dashboard.live.page_reader import PageAddress, PageAnswer, read_page
from retailpulse.dashboard.live.parts import live_parts
from retailpulse.dashboard.live.viewers import Viewer, ViewerCheck
from retailpulse.domain.errors import Busy, DatabaseError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often a page is made at most."""
CHECK_SECONDS = 2.0
"""How often it is asked which viewers still may look."""
REST = 9
"""How many times as long as a round the rest after it lasts at least."""
EVENTS_PER_SECOND = 40.0
"""How many events are sent at most, over all tabs: with 200 tabs each has one in 5 seconds."""


class LiveUpdates:
    """Pages that someone looks at; all streams end once `stop` is set."""

    def __init__(self, check: ViewerCheck, stop: asyncio.Event) -> None:
        self._check = check
        self._stop = stop
        self._pages: dict[PageAddress, LivePage] = {}
        self._looks: SingleFlight[PageAddress, PageAnswer] = SingleFlight()
        self._keeping: asyncio.Task[None] | None = None

    async def find(self, app: ASGIApp, address: PageAddress) -> LivePage | PageAnswer:
        """The page if it is there and has live parts; else how the application answers for it.

        A page that is looked at already is not made again, and tabs that open at once share one look. One
        that cannot be made now is waited for.
        """
        known = self._pages.get(address)
        if known is not None:
            return known
        answer = await self._looks.do(address, partial(read_page, app, address))
        parts = _parts_of(answer)
        is_late = answer.status == HTTP_503_SERVICE_UNAVAILABLE
        return LivePage(parts) if parts or is_late else answer

    @contextmanager
    def watching(
        self, app: ASGIApp, address: PageAddress, found: LivePage, viewer: Viewer
    ) -> Iterator[LivePage]:
        """Keeps a page up to date for this viewer, too, while the block runs; gives the one that is kept."""
        page = self._pages.setdefault(address, found)
        page.viewers.add(viewer)
        if page.has_something:
            viewer.wake.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep(app))
        try:
            yield page
        finally:
            page.viewers.discard(viewer)
            if not page.viewers and self._pages.get(address) is page:
                del self._pages[address]
            if not self._pages and self._keeping is not None:
                self._keeping.cancel()
                self._keeping = None

    async def _keep(self, app: ASGIApp) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._check_on())
                group.create_task(self._look_on(app))
        finally:  # nobody waits for a look that will not come; a later task may keep the pages already
            if self._keeping is asyncio.current_task():
                for page in self._pages.values():
                    page.end()

    async def _check_on(self) -> None:
        """Ends streams of those who may not look any more, however long a round of looks takes."""
        while not self._stop.is_set():
            await stoppable_sleep(CHECK_SECONDS, self._stop)
            try:
                refused = await self._check.refused(
                    [v for page in self._pages.values() for v in page.viewers]
                )
            except (DatabaseError, Busy) as error:
                end_if_cancelled(error)
                logger.debug("live pages wait for the database: %s", error)
                continue
            for viewer in refused:
                viewer.end()

    async def _look_on(self, app: ASGIApp) -> None:
        rest_seconds = LOOK_SECONDS
        while not self._stop.is_set():
            await stoppable_sleep(rest_seconds, self._stop)
            began_at = time.monotonic()
            for address in list(self._pages):
                if self._stop.is_set() or not await self._look_at(app, address):
                    break
            tabs = sum(len(page.viewers) for page in self._pages.values())
            rest_seconds = max(LOOK_SECONDS, REST * (time.monotonic() - began_at), tabs / EVENTS_PER_SECOND)

    async def _look_at(self, app: ASGIApp, address: PageAddress) -> bool:
        """Makes a page again and tells its viewers; whether the others can be made now."""
        answer = await self._looks.do_again(address, partial(read_page, app, address))
        page = self._pages.get(address)
        if answer.status == HTTP_503_SERVICE_UNAVAILABLE:
            for lost in list(self._pages.values()):
                if lost.lose():
                    await lost.notify()
            return False
        if page is not None:
            parts = _parts_of(answer)
            if not parts:
                page.end()
            elif page.update(parts):
                await page.notify()
        return True


def _parts_of(answer: PageAnswer) -> dict[str, str]:
    return live_parts(answer.body.decode()) if answer.status == HTTP_200_OK else {}
