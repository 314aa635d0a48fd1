"""Hosts that send a client elsewhere: where it may go, where it must not, and nowhere at all."""

import re

from retailpulse.domain.images import Cause
from tests.hostile.bodies import small_jpeg
from tests.hostile.responses import JPEG_TYPE, give, head, redirects, says
from tests.hostile.stage import Visit
from tests.hostile.trick import Answer, Trick

_HOP = re.compile(r"/hop-(\d+)/")


def _to_good(name: str) -> Answer:
    async def answer(visit: Visit) -> None:
        await give(visit, b"", status=301, headers={"Location": visit.url_of(name, "from-afar.jpg")})

    return answer


def _chain(hops: int) -> Answer:
    """A photo after so many redirects, each to a path that counts them."""

    async def answer(visit: Visit) -> None:
        match = _HOP.match(visit.path)
        hop = int(match[1]) if match else 0
        if hop == hops:
            await give(visit, small_jpeg())
        else:
            await give(visit, b"", status=302, headers={"Location": f"/hop-{hop + 1}/1.jpg"})

    return answer


async def _loop(visit: Visit) -> None:
    await give(visit, b"", status=307, headers={"Location": visit.path})


_AWAY = {
    "metadata": ("http://169.254.169.254:{port}/latest/meta-data/", "the metadata service of a cloud"),
    "private": ("http://10.0.0.1:{port}/1.jpg", "a private address"),
    "mapped": ("http://[::ffff:10.0.0.1]:{port}/1.jpg", "a private address inside IPv6"),
    "localhost": ("http://localhost:{port}/1.jpg", "this machine, by name"),
    "loopback": ("http://127.0.0.1:{port}/1.jpg", "this machine, by number"),
    "unspecified": ("http://0.0.0.0:{port}/1.jpg", "this machine, by the address of none"),
    "decimal": ("http://2852039166:{port}/1.jpg", "169.254.169.254 as one number"),
    "hex": ("http://0xa9fea9fe:{port}/1.jpg", "169.254.169.254 as one number of base 16"),
    "port": ("http://127.0.1.1:22/1.jpg", "a port that is not for photos"),
    "octal": ("http://0251.0376.0251.0376:{port}/1.jpg", "169.254.169.254 in base 8"),
}
_NO_URL = {
    "file": ("file:///etc/passwd", "a file"),
    "gopher": ("gopher://127.0.1.1:{port}/_GET%20/", "gopher"),
    "ftp": ("ftp://127.0.1.1/1.jpg", "ftp"),
    "credentials": ("http://user:secret@127.0.1.1:{port}/1.jpg", "a URL with a password"),
    "garbage": ("http://[::1\x01/%%%", "something that is no URL"),
}

REDIRECTS = (
    Trick(name="redirect-relative", about="once, by a path", answer=_chain(1)),
    Trick(name="redirect-absolute", about="once, to another host", answer=_to_good("good-1")),
    Trick(name="redirect-encrypted", about="once, from http to https", answer=_to_good("tls-good")),
    Trick(name="redirect-chain-10", about="ten times", answer=_chain(10)),
    Trick(
        name="redirect-chain-11",
        about="eleven times",
        answer=_chain(11),
        expected=Cause.TOO_MANY_REDIRECTS,
    ),
    Trick(name="redirect-loop", about="to itself", answer=_loop, expected=Cause.TOO_MANY_REDIRECTS),
    Trick(
        name="redirect-nowhere",
        about="302 without a Location",
        answer=says(head(302, {**JPEG_TYPE, "Content-Length": 0})),
        expected=Cause.HTTP_STATUS,
        detail="HTTP 302",
    ),
    *(
        Trick(
            name=f"redirect-{name}", about=f"to {what}", answer=redirects(to), expected=Cause.BLOCKED_ADDRESS
        )
        for name, (to, what) in _AWAY.items()
    ),
    *(
        Trick(name=f"redirect-{name}", about=f"to {what}", answer=redirects(to), expected=Cause.BAD_URL)
        for name, (to, what) in _NO_URL.items()
    ),
)
