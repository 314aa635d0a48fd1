"""The door of this room: fetches a whole body or its head, with redirects, tries, slots and one deadline.

What is refused, and what a failure is called, is decided in the other modules.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.budget import Budget
from retailpulse.fetch.exchange import WHOLE, Answer, Exchange, Request
from retailpulse.fetch.failures import REFUSING_STATUSES, TryFailed, of_status
from retailpulse.fetch.handles import check_settings
from retailpulse.fetch.heads import read_head
from retailpulse.fetch.hosts import Host, Hosts
from retailpulse.fetch.intake import Intake
from retailpulse.fetch.names import PATIENCE_SECONDS, Names
from retailpulse.fetch.ranges import Span
from retailpulse.fetch.retries import Attempt
from retailpulse.fetch.rules import Rules, blocked_address, numeric_address
from retailpulse.fetch.slots import Slots
from retailpulse.fetch.transport import Transport
from retailpulse.fetch.urls import Origin, Target, follow, parse_target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def _at_once() -> None:
    """Lets every request begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """The bytes of an image, and how many tries they took; redirects and further ranges are not counted."""

    body: bytes
    tries: int


class Downloader:
    """Fetches photos on the running asyncio loop; close it on the same loop.

    Every failure is an ImageError whose cause says what really happened and whose `tries` are filled in.
    `admit` is awaited before each request, in its slots: it may hold the request back, or raise.
    """

    def __init__(self, settings: FetchSettings, *, admit: Callable[[], Awaitable[None]] = _at_once) -> None:
        check_settings(settings)
        self._settings = settings
        self._admit = admit
        self._rules = Rules(settings)
        self._loop = asyncio.get_running_loop()
        self._transport = Transport(idle_connections=settings.concurrency * 2)
        self._hosts = Hosts(settings.per_host)
        self._slots = Slots[Host](settings.concurrency, lambda host: host.health.is_proven)
        self._budget = Budget(settings.buffer_bytes)
        self._names = Names()
        self._pausing = 0
        self._exchanges: list[Exchange] = []
        self._idle: list[Exchange] = []
        self._closed = False

    async def fetch(self, url: str) -> Fetched:
        """Fetch a whole body; raises ImageError."""
        return await self._persist(url, self._read_whole)

    async def fetch_head(self, url: str, enough: Callable[[bytes], bool]) -> Fetched:
        """Fetch the first bytes of a file: 16 kB, then 64 kB, then on until `enough` says yes or it ends.

        `enough` gets all bytes so far, at growing sizes, and again when the file ends before it said yes.
        It should be quick: it may run between two packets. What it raises ends the fetch.
        """

        async def read(target: Target, attempt: Attempt) -> bytes:
            return await self._read_head(target, attempt, enough)

        return await self._persist(url, read)

    def parked(self) -> int:
        """How many images only wait: for their next try, or for a host that will not serve them soon."""
        return self._pausing + self._hosts.parked()

    async def aclose(self) -> None:
        """Abort what is in flight and free every connection.

        Who awaits a transfer is cancelled; who waits for a slot, or comes later, gets a RuntimeError.
        """
        self._closed = True
        self._transport.close()
        for exchange in self._exchanges:
            exchange.close()
        self._names.close()

    async def _persist(self, url: str, read: Callable[[Target, Attempt], Awaitable[bytes]]) -> Fetched:
        """Try until it works, cannot work, or the tries or the time are used up."""
        target = parse_target(url)
        attempt = Attempt(self._settings.deadline_seconds)
        while True:
            attempt.begin(self._settings.timeout_seconds)
            try:
                return Fetched(body=await read(target, attempt), tries=attempt.tries)
            except TryFailed as failed:
                pause_seconds = attempt.pause_after(failed, self._settings)
                if pause_seconds is None:
                    raise ImageError(failed.cause, failed.detail, tries=attempt.tries) from None
            except ImageError as error:
                error.tries = attempt.tries
                raise
            await self._pause(pause_seconds)
            attempt.wait(pause_seconds)

    async def _pause(self, seconds: float) -> None:
        self._pausing += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pausing -= 1

    async def _read_whole(self, target: Target, attempt: Attempt) -> bytes:
        intake = Intake(max_bytes=self._settings.max_body_bytes)
        answer, _ = await self._visit(target, attempt, intake, None)
        if answer.status not in WHOLE:
            raise of_status(answer.status, answer.retry_after_seconds)
        return intake.body()

    async def _read_head(self, target: Target, attempt: Attempt, enough: Callable[[bytes], bool]) -> bytes:
        intake = Intake(max_bytes=self._settings.max_body_bytes, enough=enough)

        async def ask(span: Span | None) -> Answer:
            nonlocal target  # the further parts are asked for where the first one was found
            answer, target = await self._visit(target, attempt, intake, span)
            return answer

        await read_head(ask, intake)
        return intake.body()

    async def _visit(
        self, target: Target, attempt: Attempt, intake: Intake, span: Span | None
    ) -> tuple[Answer, Target]:
        """Ask, and ask again where a redirect points; says also who answered in the end."""
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._ask(target, attempt, intake, span)
            location = answer.header(b"location") if answer.status in _REDIRECTS else None
            if location is None:
                return answer, target
            target = follow(target, location)
        raise TryFailed(Cause.TOO_MANY_REDIRECTS, f"more than {self._settings.max_redirects} redirects")

    async def _ask(self, target: Target, attempt: Attempt, intake: Intake, span: Span | None) -> Answer:
        """Make one request in its slots: the host's first, so that who waits for it holds no other."""
        self._rules.check(target.origin)
        host = self._hosts.host(target.origin)
        await self._take(host, attempt)
        began_at = self._loop.time()
        try:
            pin = await self._pin(target.origin, attempt)
            proven = await self._slots.take(host)
            try:
                await self._admit()
                began_at = self._loop.time()
                answer = await self._run(target, attempt, intake, span, pin)
                self._note(host, answer, attempt, began_at)
            finally:
                self._slots.give_back(host, proven=proven)
            return answer
        except TryFailed as failure:
            raise self._told(failure, host, attempt, began_at) from None
        finally:
            self._hosts.leave(target.origin, host)

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
        """The addresses that an origin's name has and that may be dialled, as libcurl wants to be told."""
        if self._rules.has_proxy or numeric_address(origin.host) is not None:
            return ""
        name = origin.host.removesuffix(".")  # libcurl takes a last dot off too
        began_at = self._loop.time()
        try:
            found = await self._names.find(name)
        finally:
            # The wait for a thread is our own doing.
            attempt.spend(min(self._loop.time() - began_at, PATIENCE_SECONDS))
        permitted = [address for address in found if self._rules.permits(address)]
        if not permitted:
            raise blocked_address()
        return f"+{name}:{origin.port}:{','.join(permitted)}"

    async def _run(
        self, target: Target, attempt: Attempt, intake: Intake, span: Span | None, pin: str
    ) -> Answer:
        if self._closed:
            raise RuntimeError("the downloader is closed")
        if attempt.try_seconds <= 0:
            raise TryFailed(Cause.TIMEOUT, "not finished in time", again=True)
        request = Request(
            url=target.url,
            timeout_seconds=attempt.try_seconds,
            span=span,
            max_content_length=self._settings.max_body_bytes if span is None else 0,
            pin=pin,
        )
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        began_at = self._loop.time()
        try:
            return await exchange.run(request, intake)
        finally:
            attempt.spend(self._loop.time() - began_at)
            self._idle.append(exchange)

    def _new_exchange(self) -> Exchange:
        exchange = Exchange(
            self._transport, self._settings, may_dial=self._rules.may_dial, budget=self._budget
        )
        self._exchanges.append(exchange)
        return exchange
