"""Hosts that speak HTTP as it should be: good ones, ones that refuse, and ones that ask for patience."""

import gzip
from email.utils import formatdate
from time import time

from retailpulse.domain.images import Cause
from tests.hostile.bodies import photo, small_heic, small_jpeg, small_png, small_webp
from tests.hostile.responses import JPEG_TYPE, chunk, give, gives, head, once, refuses, says
from tests.hostile.stage import Visit
from tests.hostile.trick import Trick

_PATIENT = ", then good"


async def _chunked(visit: Visit) -> None:
    await visit.send(head(200, {**JPEG_TYPE, "Transfer-Encoding": "chunked"}))
    for at in range(0, len(photo()), 10_000):
        await visit.send(chunk(photo()[at : at + 10_000]))
    await visit.send(chunk(b""))
    visit.stays = True


async def _rate_limited(visit: Visit) -> None:
    if not visit.stage.is_over_rate():
        await give(visit, small_jpeg())
        return
    patience = visit.stage.rate.retry_after_seconds
    headers = {} if patience is None else {"Retry-After": patience}
    await give(visit, b"slow down\n", status=429, headers=headers)


async def _throttled_until(visit: Visit) -> None:
    until = formatdate(time() + 2, usegmt=True)
    await give(visit, b"", status=429, headers={"Retry-After": until})


def _until_close() -> bytes:
    return head(200, JPEG_TYPE) + photo()


_GOOD = gives(small_jpeg)

MANNERS = (
    *(Trick(name=f"good-{number}", about="a small JPEG", answer=_GOOD) for number in range(1, 7)),
    Trick(name="good-large", about="a JPEG of 100 kB and more", answer=gives(photo)),
    Trick(name="good-png", about="a small PNG", answer=gives(small_png, Content_Type="image/png")),
    Trick(name="good-webp", about="a small WebP", answer=gives(small_webp, Content_Type="image/webp")),
    Trick(name="good-heic", about="a small HEIC", answer=gives(small_heic, Content_Type="image/heic")),
    Trick(name="good-close", about="closes after each answer", answer=gives(small_jpeg, Connection="close")),
    Trick(name="good-chunked", about="a body in chunks", answer=_chunked),
    Trick(name="good-until-close", about="a body without a length", answer=says(_until_close)),
    Trick(
        name="good-gzip",
        about="a photo in gzip, though nobody asked for that",
        answer=says(lambda: _gzipped(gzip.compress(small_jpeg()))),
    ),
    Trick(name="not-found", about="404", answer=refuses(404), expected=Cause.HTTP_STATUS, detail="HTTP 404"),
    Trick(name="forbidden", about="403", answer=refuses(403), expected=Cause.HTTP_STATUS, detail="HTTP 403"),
    Trick(name="gone", about="410", answer=refuses(410), expected=Cause.HTTP_STATUS, detail="HTTP 410"),
    Trick(
        name="broken", about="500, always", answer=refuses(500), expected=Cause.HTTP_STATUS, detail="HTTP 500"
    ),
    Trick(name="unavailable-once", about=f"503 once{_PATIENT}", answer=once(refuses(503), _GOOD)),
    Trick(
        name="unavailable",
        about="503, always",
        answer=refuses(503),
        expected=Cause.HTTP_STATUS,
        detail="HTTP 503",
    ),
    Trick(
        name="throttled-seconds",
        about=f"429 and Retry-After: 1 once{_PATIENT}",
        answer=once(refuses(429, Retry_After="1"), _GOOD),
    ),
    Trick(
        name="throttled-date",
        about=f"429 and a date as Retry-After once{_PATIENT}",
        answer=once(_throttled_until, _GOOD),
    ),
    Trick(
        name="throttled-a-day",
        about="429, come back tomorrow",
        answer=refuses(429, Retry_After="86400"),
        expected=Cause.HTTP_STATUS,
        detail="HTTP 429",
    ),
    Trick(
        name="throttled",
        about="429, always",
        answer=refuses(429),
        expected=Cause.HTTP_STATUS,
        detail="HTTP 429",
    ),
    Trick(name="rate-limited", about="429 to all over a few requests a second", answer=_rate_limited),
)


def _gzipped(body: bytes) -> bytes:
    return head(200, {**JPEG_TYPE, "Content-Encoding": "gzip", "Content-Length": len(body)}) + body
