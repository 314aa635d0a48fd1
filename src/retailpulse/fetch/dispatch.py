"""Makes one request when its turn has come: at its host, and among all requests of this process.

Tells the host's health how it went. Tries, redirects and ranges are not known here.
"""

import asyncio
from collections.abc import Awaitable, Callable

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.budget import Budget
from retailpulse.fetch.exchange import Answer, Exchange, Request
from retailpulse.fetch.failures import REFUSING_STATUSES, TryFailed, of_status
from retailpulse.fetch.hosts import Host, Hosts
from retailpulse.fetch.intake import Intake
from retailpulse.fetch.names import PATIENCE_SECONDS, Names
from retailpulse.fetch.pins import find_pin, has_name
from retailpulse.fetch.ranges import Span
from retailpulse.fetch.retries import Attempt
from retailpulse.fetch.rules import Rules
from retailpulse.fetch.slots import Slots
from retailpulse.fetch.transport import Transport
from retailpulse.fetch.urls import Origin, Target

Admit = Callable[[], Awaitable[None] | None]
"""Whether a request may begin: None, or what it must wait for; may raise."""
Observe = Callable[[float, int], object]
"""Called after each request with the seconds that it took and the bytes of bodies that came."""


class Dispatch:
    """Every request of a process; close it on the loop that it was made on."""

    def __init__(self, settings: FetchSettings, admit: Admit, observe: Observe) -> None:
        self._settings = settings
        self._admit = admit
        self._observe = observe
        self._rules = Rules(settings)
        self._loop = asyncio.get_running_loop()
        self._transport = Transport(
            idle_connections=settings.concurrency * 2, has_proxy=self._rules.has_proxy
        )
        self._hosts = Hosts(settings.per_host)
        self._slots = Slots[Host](settings.concurrency, lambda host: host.health.is_proven)
        self._budget = Budget(settings.buffer_bytes)
        self._names = Names()
        self._exchanges: list[Exchange] = []
        self._idle: list[Exchange] = []
        self._closed = False

    def parked(self) -> int:
        """How many requests wait for hosts that will not serve them soon."""
        return self._hosts.parked()

    @property
    def in_flight(self) -> int:
        """How many requests run now."""
        return len(self._exchanges) - len(self._idle)

    async def ask(self, target: Target, attempt: Attempt, intake: Intake, span: Span | None) -> Answer:
        """Make one request in its slots: the host's first, so that who waits for it holds no other."""
        self._rules.check(target.origin)
        host = self._hosts.host(target.origin)
        if host.take_now():
            attempt.has_begun = True
        else:
            await self._take(host, attempt)
        began_at = self._loop.time()
        try:
            pin = await self._pin(target.origin, attempt) if has_name(target.origin, self._rules) else ""
            proven = self._slots.take_now(host)
            if proven is None:
                proven = await self._slots.take(host)
            try:
                if (held := self._admit()) is not None:
                    await held
                began_at = self._loop.time()
                answer = await self._run(self._request(target, attempt, span, pin), attempt, intake)
                self._note(host, answer, attempt, began_at)
            finally:
                self._slots.give_back(host, proven=proven)
            return answer
        except TryFailed as failure:
            raise self._told(failure, host, attempt, began_at) from None
        finally:
            self._hosts.leave(target.origin, host)

    def close(self) -> None:
        """Abort what is in flight and free every connection.

        Who awaits a transfer is cancelled; who waits for a slot, or comes later, gets a RuntimeError.
        """
        self._closed = True
        self._transport.close()
        for exchange in self._exchanges:
            exchange.close()
        self._names.close()

    async def _take(self, host: Host, attempt: Attempt) -> None:
        """Wait for a slot of the host; raises TryFailed where that is in vain."""
        try:
            attempt.wait(await host.take(attempt.image_seconds, goes_on=attempt.has_begun))
        except TryFailed as failure:
            raise attempt.in_vain(failure) from None
        attempt.has_begun = True

    def _told(self, failure: TryFailed, host: Host, attempt: Attempt, began_at: float) -> TryFailed:
        """What a request that failed says, after the host's health was told."""
        failed = attempt.verdict(failure, host.health.failure).bare()
        host.health.failed(failed, began_at, self._loop.time())
        if failed.unreached and host.health.is_given_up:
            failed.again = False  # as for all who wait for this host
        return failed

    def _note(self, host: Host, answer: Answer, attempt: Attempt, began_at: float) -> None:
        """Tell a host's health of an answer."""
        if answer.status not in REFUSING_STATUSES:
            host.health.answered(self._loop.time())
            return
        attempt.refused(host.health.answers)
        if not attempt.is_refused_alone:
            failure = of_status(answer.status, answer.retry_after_seconds)
            host.health.refused(failure, began_at, self._loop.time())
        if answer.status == 429 and host.health.is_limited:
            attempt.excuse()

    async def _pin(self, origin: Origin, attempt: Attempt) -> str:
        """What libcurl is told of an origin's addresses, within the image's time."""
        began_at = self._loop.time()
        try:
            return await find_pin(origin, self._names, self._rules)
        finally:
            # The wait for a thread is our own doing.
            attempt.spend(min(self._loop.time() - began_at, PATIENCE_SECONDS))

    def _request(self, target: Target, attempt: Attempt, span: Span | None, pin: str) -> Request:
        if self._closed:
            raise RuntimeError("the downloader is closed")
        if attempt.try_seconds <= 0:
            raise TryFailed(Cause.TIMEOUT, "not finished in time", again=True)
        return Request(
            url=target.url,
            timeout_seconds=attempt.try_seconds,
            span=span,
            max_content_length=self._settings.max_body_bytes if span is None else 0,
            pin=pin,
        )

    async def _run(self, request: Request, attempt: Attempt, intake: Intake) -> Answer:
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        began_at = self._loop.time()
        try:
            return await exchange.run(request, intake)
        finally:
            seconds = self._loop.time() - began_at
            attempt.spend(seconds)
            self._observe(seconds, exchange.received_bytes)
            self._idle.append(exchange)

    def _new_exchange(self) -> Exchange:
        exchange = Exchange(
            self._transport, self._settings, may_dial=self._rules.may_dial, budget=self._budget
        )
        self._exchanges.append(exchange)
        return exchange
