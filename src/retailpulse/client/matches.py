"""Photos that were handed in before."""

from collections.abc import AsyncGenerator

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import Some, When, filters
from retailpulse.schema import Match


async def matches(
    exchange: Exchange,
    *,
    kind: Some = None,
    relation: Some = None,
    job_id: Some = None,
    store_id: Some = None,
    area: Some = None,
    since: When = None,
    until: When = None,
) -> AsyncGenerator[Match, None]:
    """Photos that were handed in before, one by one, the newest first; filters look at the later photo.

    Several values of one filter are alternatives; filters of different names all have to hold.

    >>> [match.photo.image_no for match in client.matches(kind=["same_file", "copy"], job_id=job_id)]
    []
    """
    params = filters(
        kind=kind, relation=relation, job_id=job_id, store_id=store_id, area=area, since=since, until=until
    )
    async for item in exchange.pages("/api/v1/matches", params, Page[Match]):
        yield item
