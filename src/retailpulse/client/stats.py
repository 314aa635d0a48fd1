"""What the service is doing."""

from retailpulse.client.exchange import Exchange
from retailpulse.client.transports import HttpRequest
from retailpulse.schema import Stats


async def stats(exchange: Exchange) -> Stats:
    """How much the service did in the last hour and day, how much waits, and how many workers there are.

    >>> client.stats().workers
    1
    """
    return await exchange.fetch(HttpRequest(method="GET", path="/api/v1/stats"), Stats)
