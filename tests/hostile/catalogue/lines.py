"""Hosts whose connections are the trouble: dead, silent, broken off, or too slow to live."""

from retailpulse.domain.images import Cause
from tests.hostile.bodies import photo
from tests.hostile.responses import JPEG_TYPE, chunk, drips, head, says
from tests.hostile.stage import Line
from tests.hostile.trick import Door, Trick

_HALF_A_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jp"
_LARGE = head(200, {**JPEG_TYPE, "Content-Length": 4_000_000})
_CHUNKED = head(200, {**JPEG_TYPE, "Transfer-Encoding": "chunked"})
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
_NO_FRAME_YET = b"\xff\xd8" + 61 * (b"\xff\xef\xff\xff" + bytes(65_533))
"""The start of a JPEG that might be good, however long it is looked at: segments for applications."""


async def hang_up(_line: Line) -> None:
    """Close at once."""


async def hang(line: Line) -> None:
    """Say nothing."""
    await line.hang()


async def _reset(line: Line) -> None:
    line.reset()


def _bit() -> bytes:
    return head(200, {**JPEG_TYPE, "Content-Length": len(photo())}) + photo()[:100]


LINES = (
    Trick(name="refused", about="nothing listens", door=Door.CLOSED, expected=Cause.CONNECT),
    Trick(
        name="black-hole",
        about="a connection is never answered",
        door=Door.DEAF,
        expected=Cause.CONNECT,
        waits=True,
    ),
    Trick(
        name="hang-on-accept", about="accepts and is silent", greet=hang, expected=Cause.STALLED, waits=True
    ),
    Trick(
        name="hang-after-request",
        about="takes the request and is silent",
        answer=says(b"", hang=True),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="hang-in-headers",
        about="falls silent within the headers",
        answer=says(_HALF_A_HEAD, hang=True),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="hang-in-body",
        about="falls silent within the body",
        answer=says(_bit, hang=True),
        expected=Cause.STALLED,
        waits=True,
        detail="after 100 bytes",
    ),
    Trick(name="close-on-accept", about="accepts and closes", greet=hang_up, expected=Cause.CONNECT),
    Trick(
        name="close-after-request",
        about="takes the request, closes",
        answer=says(b""),
        expected=Cause.CONNECT,
    ),
    Trick(
        name="close-in-headers",
        about="closes within the headers",
        answer=says(_HALF_A_HEAD),
        expected=Cause.CONNECT,
    ),
    Trick(name="reset-on-accept", about="accepts and resets", greet=_reset, expected=Cause.CONNECT),
    Trick(
        name="reset-after-request",
        about="takes the request, resets",
        answer=says(b"", reset=True),
        expected=Cause.CONNECT,
    ),
    Trick(
        name="reset-in-headers",
        about="resets within the headers",
        answer=says(_HALF_A_HEAD, reset=True),
        expected=Cause.CONNECT,
    ),
    Trick(
        name="reset-in-body",
        about="resets within the body",
        answer=says(_bit, reset=True),
        expected=Cause.TRUNCATED,
    ),
    Trick(
        name="slow-headers",
        about="headers by one byte a second",
        answer=drips(b"", _HALF_A_HEAD),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="slow-body",
        about="a body by one byte a second",
        answer=drips(_LARGE, bytes(1_000)),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="slow-chunks",
        about="chunks of one byte, one a second",
        answer=drips(_CHUNKED, chunk(b"x"), size_bytes=6),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="slow-interim",
        about="an interim answer a second, and never the answer",
        answer=drips(b"", _HINTS, size_bytes=len(_HINTS)),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="slow-trailers",
        about="a header a second behind a whole photo",
        answer=drips(_CHUNKED + chunk(b"\xff\xd8") + b"0\r\n", b"X-A: b\r\n", size_bytes=8),
        expected=Cause.STALLED,
        waits=True,
    ),
    Trick(
        name="drip",
        about="40 kB a second of 4 MB, all of them before the frame: too fast to be stalled",
        answer=drips(_LARGE, _NO_FRAME_YET, size_bytes=4_000, pause_seconds=0.1),
        expected=Cause.TIMEOUT,
        waits=True,
    ),
)
