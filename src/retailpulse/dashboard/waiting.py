"""How many photos wait for a decision, as every page links to them: counted every few seconds at most."""

import time
from collections.abc import Awaitable, Callable

from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.dashboard.rendering import WAITING, AnyRequest
from retailpulse.domain.errors import RetailPulseError
from retailpulse.service import Reviews
from retailpulse.storage.reviews.queue import QueueFilter
from retailpulse.web import scope_notes
from retailpulse.web.middleware.scopes import PUBLIC, is_below

KEPT_SECONDS = 5.0
_DEFAULT = QueueFilter()


def count_waiting(reviews: Reviews) -> Callable[[AnyRequest], Awaitable[None]]:
    """What notes the count in a request for a page, before its handler; the count stops at 1,000.

    A page that needs no key tells nobody, and one that needs no count is shown without it.
    """
    known: TtlCache[str, str] = TtlCache(1)

    async def note(request: AnyRequest) -> None:
        if request.method == "POST" or is_below(request.url.path, PUBLIC):
            return
        is_review = is_below(request.url.path, ("/review",))
        text = None if is_review else known.get("count")
        if text is None:
            try:
                count, is_all = await reviews.waiting(_DEFAULT)
            except RetailPulseError:
                return
            text = f"{count:,}" if is_all else f"{count:,}+"
            known.put("count", text, until=time.monotonic() + KEPT_SECONDS)
        scope_notes.note(request.scope, WAITING, text)

    return note
