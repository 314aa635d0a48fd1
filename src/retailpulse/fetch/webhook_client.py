"""The other door of this room: posts a small body to a receiver that cannot be trusted, once.

It goes by the rules that photos are fetched by: schemes, ports, hosts, and a check on the address that is
dialled. It has its own connections, threads and limits, so that a slow receiver holds up no photo. Redirects
are not followed, and tries are the caller's.
"""

import asyncio

import msgspec

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.http.body_reader import BodyReader
from retailpulse.fetch.http.curl_handles import check_settings
from retailpulse.fetch.http.exchange import Exchange
from retailpulse.fetch.http.messages import Request, Response
from retailpulse.fetch.http.post_request import PostRequest
from retailpulse.fetch.http.transport import Transport
from retailpulse.fetch.memory_budget import MemoryBudget
from retailpulse.fetch.target.dns import PinnedResolver
from retailpulse.fetch.target.ssrf_policy import SsrfPolicy
from retailpulse.fetch.target.urls import Target, parse_target

_NAME_SECONDS = 1.0
"""What a look-up may take beyond the time of the request, which libcurl counts from its own start."""
_FINAL = frozenset({Cause.BAD_URL, Cause.BLOCKED_ADDRESS})


class PostResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a post ended: the status of the answer, or in words why there was none.

    `is_final` says that another try cannot end otherwise: the URL is none that we ask.
    """

    status: int | None = None
    error: str | None = None
    retry_after_seconds: float = 0.0
    is_final: bool = False


class WebhookClient:
    """Posts on the running asyncio loop; close it on the same loop."""

    def __init__(self, settings: FetchSettings, *, timeout_seconds: float) -> None:
        check_settings(settings)
        # The time of the whole post is the only patience: a receiver may think as long as it lasts.
        self._settings = msgspec.structs.replace(
            settings, stall_seconds=timeout_seconds + 1, stall_bytes_per_second=0
        )
        self._timeout_seconds = timeout_seconds
        self._policy = SsrfPolicy(settings)
        self._resolver = PinnedResolver(self._policy, hides_internal_names=settings.hide_internal_names)
        self._budget = MemoryBudget(
            settings.buffer_bytes
        )  # nothing of an answer is kept, so nothing is counted
        self._transport = Transport(idle_connections=1, has_proxy=self._policy.has_proxy)

    async def post(self, url: str, post: PostRequest) -> PostResult:
        """Post once. Every failure is in the answer; an exception is a fault of this program."""
        try:
            target = parse_target(url)
            self._policy.check(target.origin)
            async with asyncio.timeout(self._timeout_seconds + _NAME_SECONDS):
                answer = await self._ask(target, post)
        except TimeoutError:
            return PostResult(error=f"{Cause.TIMEOUT}: not finished in time")
        except (TryFailed, ImageError) as failed:
            return PostResult(error=f"{failed.cause}: {failed.detail}", is_final=failed.cause in _FINAL)
        return PostResult(
            status=answer.status,
            error="a redirect is not followed" if 300 <= answer.status < 400 else None,
            retry_after_seconds=float(max(0, answer.retry_after_seconds)),
        )

    def close(self) -> None:
        """Abort what is in flight, cancel the tasks that await it, and free every connection."""
        self._transport.close()
        self._resolver.close()

    async def _ask(self, target: Target, post: PostRequest) -> Response:
        pin = await self._resolver.pin(target.origin)
        request = Request(url=target.url, timeout_seconds=self._timeout_seconds, pin=pin, post=post)
        exchange = Exchange(
            self._transport, self._settings, may_dial=self._policy.may_dial, budget=self._budget
        )
        try:
            return await exchange.run(request, BodyReader(max_bytes=0))
        finally:
            exchange.close()
