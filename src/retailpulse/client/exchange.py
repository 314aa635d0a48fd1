"""Requests and their answers: as typed data, or as errors by cause; tried again if that is safe."""

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx
import msgspec

from retailpulse.client.errors import (
    NotRetailPulse,
    TooManyRequests,
    Unavailable,
    Unreachable,
    refused,
)
from retailpulse.client.transports import HttpRequest, Params, Transport
from retailpulse.domain.backoff import Backoff

T = TypeVar("T")

Outage = Unreachable | Unavailable | TooManyRequests
OUTAGES = (Unreachable, Unavailable, TooManyRequests)
"""The errors after which the same request may succeed a moment later."""

_BACKOFF = Backoff(first_seconds=0.25, longest_seconds=5.0, jitter=(0.75, 1.25))
_NUMBERS = re.compile(
    r"^\[[^]]*\] | \(_ssl\.c:\d+\)$"
)  # of errors of the system: [Errno 111] Connection refused
_PAGE_ITEMS = 1000  # as many as the service gives at once


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryBudget:
    """How long, in seconds, one request is tried again: in an outage, and before the first answer at all.

    A service that says when to come back is asked no sooner; if that is later than the patience lasts, the
    error comes at once.
    """

    outage_seconds: float
    first_contact_seconds: float
    on_outage: Callable[[Outage], None]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Some items of a list, and the link to the next ones."""

    items: list[T]
    next: str | None = None


class Exchange:
    """Speaks with one service."""

    def __init__(self, transport: Transport, *, url: str, retry_budget: RetryBudget) -> None:
        self.url = url
        self.transport = transport
        self.retry_budget = retry_budget
        self._was_reached = False

    async def attempt(self, request: HttpRequest, use: Callable[[httpx.Response], Awaitable[T]]) -> T:
        """What `use` makes of the answer; all of it again while patience lasts. Raises ClientError."""
        tries = _Tries(self, request)
        while True:
            try:
                async with self.opened(request) as response:
                    return await use(response)
            except OUTAGES as error:
                await tries.pause_after(error)

    async def blocks(self, request: HttpRequest) -> AsyncGenerator[bytes, None]:
        """The body of an answer as it comes, asked for again only while nothing of it came."""
        tries, has_begun = _Tries(self, request), False
        while True:
            try:
                async with self.opened(request) as response:
                    async for block in self.transport.blocks(response):
                        has_begun = True
                        yield block
                    return
            except OUTAGES as error:
                if has_begun:
                    raise
                await tries.pause_after(error)

    @asynccontextmanager
    async def opened(self, request: HttpRequest) -> AsyncIterator[httpx.Response]:
        """An answer whose body is still to be read, asked for once; raises ClientError, then and later."""
        try:
            response = await self.transport.open(request)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        self._was_reached = True
        try:
            if not (response.is_success or response.status_code in request.also_answers):
                content = await self.transport.read(response)
                reason = f"{self.url} answered {response.status_code} {response.reason_phrase}"
                raise refused(response.status_code, reason, response.headers, content)
            yield response
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            await self.transport.close(response)

    async def fetch(self, request: HttpRequest, kind: type[T]) -> T:
        """The answer as data; raises ClientError."""
        return self.decode(await self.attempt(request, self.transport.read), kind)

    async def pages(self, path: str, params: Params, kind: type[Page[T]]) -> AsyncGenerator[T, None]:
        """The items of a list from all of its pages, one by one; one page at a time is in memory."""
        request = HttpRequest(method="GET", path=path, params=[*params, ("limit", str(_PAGE_ITEMS))])
        while True:
            page = await self.fetch(request, kind)
            for item in page.items:
                yield item
            if page.next is None:
                return
            if not page.next.startswith("/api/"):  # the key goes to no other host
                raise NotRetailPulse(f"{self.url} names a next page that is not its own")
            request = HttpRequest(method="GET", path=page.next)

    def decode(self, content: bytes | str, kind: type[T]) -> T:
        """A text of the service as data; raises NotRetailPulse."""
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise NotRetailPulse(f"{self.url} does not answer like Retail Pulse: {error}") from error

    def allowed_seconds(self, request: HttpRequest, error: Outage) -> float:
        """How long after its first try a request may be tried again in spite of an error."""
        if isinstance(error, Unreachable):
            if not self._was_reached:
                return self.retry_budget.first_contact_seconds
            return self.retry_budget.outage_seconds if request.is_repeatable or not error.was_sent else 0.0
        # A proxy that gave up waiting (502, 504) does not know whether it was done.
        was_not_done = error.status in {429, 503}
        return self.retry_budget.outage_seconds if was_not_done or request.is_repeatable else 0.0

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        reason = _NUMBERS.sub("", str(error)) or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return Unreachable(f"The service at {self.url} cannot be reached: {reason}", was_sent=False)
        return Unreachable(f"The service at {self.url} broke off: {reason}", was_sent=True)


class _Tries:
    """The tries of one request: how long to wait before the next one, until patience is over."""

    def __init__(self, exchange: Exchange, request: HttpRequest) -> None:
        self._exchange = exchange
        self._request = request
        self._begin = time.monotonic()
        self._pauses = 0

    async def pause_after(self, error: Outage) -> None:
        """Waits until the next try is due; raises the error if there is to be none."""
        pause = _BACKOFF.draw_seconds(self._pauses)
        if not isinstance(error, Unreachable):
            pause = max(pause, error.retry_after_seconds or 0.0)
        allowed_seconds = self._exchange.allowed_seconds(self._request, error)
        if time.monotonic() - self._begin + pause > allowed_seconds:
            raise error
        self._exchange.retry_budget.on_outage(error)
        await self._exchange.transport.pause(pause)
        self._pauses += 1
