"""The thumbnail of one image of a job."""

from typing import Literal

from retailpulse.client.exchange import Exchange
from retailpulse.client.params import filters, job_path
from retailpulse.client.transports import HttpRequest


async def thumbnail(
    exchange: Exchange, job_id: str, image_no: int, *, size: Literal["thumbnail", "review"] = "thumbnail"
) -> bytes:
    """A small picture of a photo, upright, as JPEG: at most 320 pixels, or for review 1024.

    If there is none of this size, the other one. Raises NotFound, which says why there is none.

    >>> client.thumbnail(job_id, 1)
    Traceback (most recent call last):
    retailpulse.client.errors.NotFound: image 1 of job ... has no thumbnail: it is failed
    """
    path = job_path(job_id, f"images/{image_no}/thumbnail")
    request = HttpRequest(method="GET", path=path, params=filters(size=size))
    return await exchange.attempt(request, exchange.transport.read)
