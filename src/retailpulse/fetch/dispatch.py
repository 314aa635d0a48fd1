"""Makes one request when its turn has come: at its host, and among all requests of this process.

Tells the host's limiter how it went. Tries, redirects and ranges are not known here.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgspec

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import REFUSING_STATUSES, TryFailed, of_status
from retailpulse.fetch.host.fallback_memory import FallbackMemory, usual_failure
from retailpulse.fetch.host.forbidden import ForbiddenMemory
from retailpulse.fetch.host.pool import HostPool
from retailpulse.fetch.host.queue import FIRST, HostListener, HostQueue, Order
from retailpulse.fetch.host.range_memory import RangeMemory
from retailpulse.fetch.http.body_reader import BodyReader
from retailpulse.fetch.http.exchange import Exchange
from retailpulse.fetch.http.messages import GIVEN, Request, Response
from retailpulse.fetch.http.ranges import Span
from retailpulse.fetch.http.timings import record_transfer
from retailpulse.fetch.http.transport import Transport
from retailpulse.fetch.memory_budget import MemoryBudget
from retailpulse.fetch.priority_semaphore import Admit, PrioritySemaphore, capacity_by_descriptors
from retailpulse.fetch.retries import Attempt
from retailpulse.fetch.target.dns import RESOLVE_SECONDS, PinnedResolver
from retailpulse.fetch.target.ssrf_policy import SsrfPolicy
from retailpulse.fetch.target.urls import Origin, Target
from retailpulse.telemetry.catalogue import FETCHED_BYTES, TRANSFER, TRANSFERS_IN_FLIGHT
from retailpulse.telemetry.instruments import Instruments
from retailpulse.telemetry.tracing import CURRENT_SPAN, SpanName, record_since

_MOST_IDLE = 256
"""Handles that are kept while no request runs on them."""
_FORBIDDEN = 403
_LEFT_WAITING = frozenset({Cause.STALLED, Cause.TIMEOUT})


class QueuePlace(msgspec.Struct, gc=False):
    """The place of an image in every queue; `unleased`: it needs no lease at its host.

    It tells whether a request for the image has ever begun, and whether one runs now.
    """

    order: Order = FIRST
    unleased: bool = False
    has_begun: bool = False
    is_running: bool = False


class Dispatch:
    """Every request of a process; close it on the loop that it was made on."""

    def __init__(
        self,
        settings: FetchSettings,
        admit: Admit,
        instruments: Instruments,
        listener: HostListener | None,
    ) -> None:
        self._settings = settings
        self._observe_seconds = instruments.histogram(TRANSFER).observe
        self._fetched_bytes = instruments.counter(FETCHED_BYTES)
        instruments.gauge(TRANSFERS_IN_FLIGHT, lambda: self.in_flight)
        self._policy = SsrfPolicy(settings)
        self._loop = asyncio.get_running_loop()
        self.capacity = settings.concurrency or capacity_by_descriptors()
        self._transport = Transport(idle_connections=self.capacity, has_proxy=self._policy.has_proxy)
        self.hosts = HostPool(
            settings.per_host,
            min(settings.per_host_max, 4 * settings.per_host),
            listener=listener,
            deadline_seconds=settings.deadline_seconds,
            close_idle=lambda queue: self._transport.close_idle(queue.peers),
        )
        self._slots = PrioritySemaphore[HostQueue](
            self.capacity, lambda queue: queue.limiter.is_proven, admit
        )
        self._budget = MemoryBudget(settings.buffer_bytes)
        self._resolver = PinnedResolver(self._policy, hides_internal_names=settings.hide_internal_names)
        self._unpacking = ThreadPoolExecutor(1, thread_name_prefix="fetch-unpacking")
        self._exchanges: set[Exchange] = set()
        self._idle: list[Exchange] = []
        self._closed = False

    @property
    def unfinished_bytes(self) -> int:
        """How much the bodies take that are being fetched."""
        return self._budget.total_bytes

    @property
    def in_flight(self) -> int:
        """How many requests run now."""
        return len(self._exchanges) - len(self._idle)

    async def ask(
        self, target: Target, attempt: Attempt, reader: BodyReader, span: Span | None, place: QueuePlace
    ) -> Response:
        """Make one request in its slots: the host's first, so that an image waiting there holds no other."""
        self._policy.check(target.origin)
        queue = self.hosts.queue(target.origin.key)
        if queue.try_acquire(unleased=place.unleased):
            attempt.has_begun = True
        else:
            await self._acquire_slot(queue, attempt, place)
        began_at = self._loop.time()
        try:
            pin = await self._pin(target.origin, attempt) if self._resolver.has_name(target.origin) else ""
            proven = self._slots.try_acquire(queue)
            if proven is None:
                proven = await self._slots.acquire(queue, place.order)
            try:
                began_at = self._loop.time()
                place.has_begun = place.is_running = True
                answer = await self._run(
                    self._request(target, attempt, span, pin, queue), attempt, reader, queue
                )
                if answer.status == _FORBIDDEN and span is None and not target.headers:
                    answer = self._forbidden(queue, answer, attempt)
                self._record_answer(queue, answer, attempt, began_at)
            finally:
                place.is_running = False
                self._slots.release(queue, proven=proven)
            return answer
        except TryFailed as failure:
            raise self._record_failure(failure, queue, attempt, began_at) from None
        finally:
            self.hosts.leave(queue)

    def refuses_ranges(self, target: Target) -> bool:
        """Whether a host is known to refuse ranges, so that it is asked for the whole file at once."""
        queue = self.hosts.get(target.origin.key)
        return queue is not None and queue.ranges is not None and queue.ranges.are_refused(self._loop.time())

    def record_range(self, target: Target, *, refused: bool) -> None:
        """A host refused a range and gave the whole file, or it gave a range."""
        queue = self.hosts.get(target.origin.key)
        if queue is None or (queue.ranges is None and not refused):
            return
        queue.ranges = queue.ranges or RangeMemory()
        if refused:
            queue.ranges.refused(self._loop.time())
        else:
            queue.ranges.given()

    def close(self) -> None:
        """Abort what is in flight and free every connection.

        A task that awaits a transfer is cancelled; one that waits for a slot, or comes later, gets a
        RuntimeError.
        """
        self._closed = True
        self._transport.close()
        self._slots.close()
        for exchange in self._exchanges:
            exchange.close()
        self._resolver.close()
        self._unpacking.shutdown(wait=False, cancel_futures=True)

    async def _acquire_slot(self, queue: HostQueue, attempt: Attempt, place: QueuePlace) -> None:
        """Wait for a slot of the host; raises TryFailed if that is in vain."""
        try:
            lost_seconds = await queue.acquire(
                attempt.image_seconds, place.order, goes_on=attempt.has_begun, unleased=place.unleased
            )
        except TryFailed as failure:
            raise attempt.in_vain(failure) from None
        attempt.wait(lost_seconds)
        attempt.has_begun = True

    def _record_failure(
        self, failure: TryFailed, queue: HostQueue, attempt: Attempt, began_at: float
    ) -> TryFailed:
        """What a request that failed says, after the host's limiter was told."""
        limiter, now = queue.limiter, self._loop.time()
        failed = attempt.classify(failure, limiter.failure).bare()
        is_discounted = limiter.discounts(failed, began_at, now)
        if not is_discounted or attempt.turned_away(as_many_are=limiter.turns_many_away):
            limiter.failed(failed, began_at, now)
        if failed.unreached and limiter.is_given_up(now):
            failed.again = False  # as for all images that wait for this host
        return failed

    def _forbidden(self, queue: HostQueue, answer: Response, attempt: Attempt) -> Response:
        """What 403 says: that another try may help, and where it is known to pass, that it is a refusal.

        To a span it says nothing: some servers have no other answer to it.
        """
        attempt.forbidden += 1
        if queue.forbidden is None:
            queue.forbidden = ForbiddenMemory()
        seconds = queue.forbidden.pause_seconds(attempt.forbidden, queue.succeeded_at, self._loop.time())
        if seconds is None:
            return answer
        attempt.discount()
        seconds = max(seconds, answer.retry_after_seconds)
        return msgspec.structs.replace(answer, is_refusal=queue.forbidden.passes, retry_after_seconds=seconds)

    def _record_answer(self, queue: HostQueue, answer: Response, attempt: Attempt, began_at: float) -> None:
        """Tell a host's limiter of an answer."""
        limiter = queue.limiter
        if answer.status not in REFUSING_STATUSES and not answer.is_refusal:
            if answer.status in GIVEN:
                queue.succeeded_at = self._loop.time()
                if attempt.forbidden and queue.forbidden is not None:
                    queue.forbidden.passed()
            limiter.answered(began_at, self._loop.time())
            queue.answered()
            return
        attempt.refused(limiter.answers)
        if not attempt.is_refused_alone:
            failure = of_status(answer.status, answer.retry_after_seconds, is_refusal=True)
            limiter.refused(failure, began_at, self._loop.time())
        is_beside = limiter.answers_others(began_at, self._loop.time()) and not attempt.is_refused_alone
        if limiter.is_limited and (answer.status == 429 or (is_beside and not answer.is_refusal)):
            attempt.discount()

    async def _pin(self, origin: Origin, attempt: Attempt) -> str:
        """An origin's addresses in the form that libcurl takes, looked up within the image's time."""
        began_at = self._loop.time()
        try:
            return await self._resolver.pin(origin)
        finally:
            # The wait for a thread is our own doing.
            seconds = self._loop.time() - began_at
            attempt.spend(min(seconds, RESOLVE_SECONDS))
            record_since(SpanName.DNS, seconds)

    def _request(
        self, target: Target, attempt: Attempt, span: Span | None, pin: str, queue: HostQueue
    ) -> Request:
        if self._closed:
            raise RuntimeError("the downloader is closed")
        if attempt.try_seconds <= 0:
            raise TryFailed(Cause.TIMEOUT, "not finished in time", again=True)
        fallbacks = attempt.fallbacks if attempt.fallbacks and attempt.failed_at == target.origin.key else 0
        if queue.fallbacks is not None:
            fallbacks |= queue.fallbacks.ways(self._loop.time())
        return Request(
            url=target.url,
            timeout_seconds=attempt.try_seconds,
            span=span,
            max_content_length=self._settings.max_body_bytes if span is None else 0,
            pin=pin,
            cookie="" if attempt.cookies is None else attempt.cookies.header(target.origin),
            headers=target.headers,
            fallbacks=fallbacks,
            keeps_alive=not queue.limiter.is_crowded,
        )

    async def _run(
        self, request: Request, attempt: Attempt, reader: BodyReader, queue: HostQueue
    ) -> Response:
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        began_at = self._loop.time()
        queue.in_flight.began(exchange, began_at, queue.limiter.answers)
        try:
            answer = await exchange.run(request, reader)
            if request.fallbacks:
                queue.fallbacks = queue.fallbacks or FallbackMemory()
                queue.fallbacks.worked(request.fallbacks, self._loop.time())
            return answer
        except TryFailed as failure:
            if request.fallbacks or failure.remedies:
                self._note_fallbacks(failure, request, queue)
                failure = usual_failure(failure, request.fallbacks, attempt.before)
            failure.beside = queue.in_flight.has_older(exchange)
            failure.starved = failure.cause in _LEFT_WAITING and queue.in_flight.are_silent()
            raise failure from None
        finally:
            queue.in_flight.ended(exchange)
            queue.dialled(exchange.peer)
            seconds = self._loop.time() - began_at
            attempt.spend(seconds)
            self._observe_seconds(seconds)
            if (current := CURRENT_SPAN.get()) is not None:
                record_transfer(
                    current, exchange.handle, {"http.response.body.size": exchange.received_bytes}
                )
            self._fetched_bytes.value += exchange.received_bytes
            self._put_by(exchange)

    def _note_fallbacks(self, failure: TryFailed, request: Request, queue: HostQueue) -> None:
        """Remember which fallbacks did not help, and which may at a host that answers nobody."""
        only_fails = not queue.limiter.is_closed
        if queue.fallbacks is None and only_fails:
            queue.fallbacks = FallbackMemory()
        if queue.fallbacks is not None:
            now = self._loop.time()
            queue.fallbacks.failed(failure, request.fallbacks, now, only_fails=only_fails)

    def _put_by(self, exchange: Exchange) -> None:
        """Keep a handle for the next request; those that only a peak of slow ones needed are freed."""
        if len(self._idle) < _MOST_IDLE or self._closed:
            self._idle.append(exchange)
        else:
            self._exchanges.discard(exchange)
            exchange.close()

    def _new_exchange(self) -> Exchange:
        exchange = Exchange(
            self._transport,
            self._settings,
            may_dial=self._policy.may_dial,
            budget=self._budget,
            threads=self._unpacking,
        )
        self._exchanges.add(exchange)
        return exchange
