"""Flame graphs of the processes of a service."""

from typing import Literal

from retailpulse.client.exchange import Exchange
from retailpulse.client.params import filters
from retailpulse.client.transports import LONG_SECONDS, HttpRequest


async def profile(
    exchange: Exchange, process: str, *, seconds: int = 10, kind: Literal["cpu", "memory"] = "cpu"
) -> bytes:
    """What a process such as worker-1 does for some seconds: its CPU time as SVG, its memory as an HTML page.

    It needs a key with admin. Raises Unavailable, which says what is missing where it cannot be done.

    >>> client.profile("worker-9")
    Traceback (most recent call last):
    retailpulse.client.errors.NotFound: there is no process worker-9; there are api, worker-1
    """
    params = filters(process=process, seconds=seconds, kind=kind)
    request = HttpRequest(method="GET", path="/debug/profile", params=params, read_seconds=LONG_SECONDS)
    # Asked once: what is missing is not there a moment later either.
    async with exchange.opened(request) as response:
        return await exchange.transport.read(response)
