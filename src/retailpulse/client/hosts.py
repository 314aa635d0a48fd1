"""The photo hosts that the service fetches from."""

from collections.abc import AsyncGenerator

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import Some, filters
from retailpulse.schema import Host


async def hosts(exchange: Exchange, *, origin: Some = None) -> AsyncGenerator[Host, None]:
    """Photo hosts one by one, most waiting images first: hosts in use, or those with an origin.

    >>> [host.origin for host in client.hosts() if host.breaker != "closed"]
    []
    """
    async for item in exchange.pages("/api/v1/hosts", filters(origin=origin), Page[Host]):
        yield item
