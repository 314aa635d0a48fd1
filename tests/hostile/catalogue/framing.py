"""Hosts that break HTTP itself: what an answer is, where it ends, how it is packed and which part it is."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

from retailpulse.domain.images import Cause
from tests.hostile.bodies import endless_photo, gzip_bomb, nested_gzip, photo, small_jpeg
from tests.hostile.responses import JPEG_TYPE, chunk, give, gives, head, pours, says
from tests.hostile.stage import Visit
from tests.hostile.trick import MEASURED, Answer, Trick

_CHUNKED = head(200, {**JPEG_TYPE, "Transfer-Encoding": "chunked"})
_TEN_GB = 10 * 1_000**3


def _with(body: Callable[[], bytes], **headers: object) -> Answer:
    """A body after headers that are told as they are given."""
    told = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return says(lambda: head(200, {**JPEG_TYPE, **told}) + body())


def _packed(body: Callable[[], bytes], encoding: str = "gzip") -> Answer:
    """A body in an encoding, its length true."""

    def make() -> bytes:
        packed = body()
        return head(200, {"Content-Encoding": encoding, "Content-Length": len(packed)}) + packed

    return says(make)


def _damaged_gzip() -> bytes:
    packed = bytearray(gzip.compress(photo()))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
    return bytes(packed)


def _cut_gzip() -> bytes:
    packed = gzip.compress(photo())
    return packed[: len(packed) // 2]


def _nested_lines() -> bytes:
    body = nested_gzip(gigabytes=30)
    lines = b"Content-Encoding: gzip\r\n" * 4
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


def _gzip_of_nothing() -> Iterator[bytes]:
    yield gzip.compress(b"")[:10]
    yield from repeat(b"\x00\x00\x00\xff\xff" * 10_000, _TEN_GB // 50_000)


def _empty_members() -> Iterator[bytes]:
    return repeat(gzip.compress(b"") * 1_000, 1_000)


def _deflated_raw() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(photo()) + packer.flush()


def _two_lengths() -> bytes:
    first = len(small_jpeg())
    return head(200, {"Content-Length": first, "content-length": first - 100}) + small_jpeg()


def _chunks_without_end() -> Iterator[bytes]:
    return map(chunk, endless_photo())


def _tiny_chunks() -> bytes:
    body = photo()
    return _CHUNKED + b"".join(chunk(body[at : at + 2]) for at in range(0, len(body), 2)) + chunk(b"")


def _one_endless_header() -> Iterator[bytes]:
    return iter(lambda: b"x" * 8_192, b"")


def _endless_headers() -> Iterator[bytes]:
    return iter(lambda: b"X-Padding: abcdefghijklmnopqrstuvwxyz\r\n" * 100, b"")


async def _no_ranges(visit: Visit) -> None:
    """416 to whoever asks for a range, though the file is there."""
    if "range" in visit.headers:
        await give(visit, b"", status=416, headers={})
    else:
        await give(visit, photo())


async def _part_unasked(visit: Visit) -> None:
    body = small_jpeg()
    headers = {**JPEG_TYPE, "Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"}
    await give(visit, body, status=206, headers=headers)


async def _wrong_part(visit: Visit) -> None:
    if "range" in visit.headers:
        headers = {**JPEG_TYPE, "Content-Range": f"bytes 5000-9999/{len(photo())}"}
        await give(visit, photo()[5_000:10_000], status=206, headers=headers)
    else:
        await give(visit, photo())


FRAMING = (
    Trick(
        name="garbage",
        about="bytes that are not HTTP",
        answer=says(b"\x00\x01SSH-2.0-nope\r\n" * 10),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="http-0-9",
        about="a photo without any headers",
        answer=says(small_jpeg),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="endless-header",
        about="one header line without an end",
        answer=pours(b"HTTP/1.1 200 OK\r\nX-Long: ", _one_endless_header),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="endless-headers",
        about="headers without an end",
        answer=pours(b"HTTP/1.1 200 OK\r\n", _endless_headers),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="endless-interim",
        about="100 Continue without an end",
        answer=pours(b"", lambda: iter(lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 50, b"")),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="endless-chunked",
        about="a body in chunks without an end",
        answer=pours(_CHUNKED, _chunks_without_end),
        expected=Cause.TOO_LARGE,
        of_head=MEASURED,
    ),
    Trick(name="tiny-chunks", about="a photo in chunks of two bytes", answer=says(_tiny_chunks)),
    Trick(
        name="endless-tiny-chunks",
        about="a photo that goes on in chunks of two bytes without an end",
        answer=pours(_CHUNKED + chunk(small_jpeg()), lambda: repeat(chunk(b"ab") * 5_000)),
        expected=Cause.BAD_RESPONSE,
        detail="pieces of a few bytes",
        of_head=MEASURED,
    ),
    Trick(
        name="endless-trailers",
        about="headers behind a body without an end",
        answer=pours(
            _CHUNKED + chunk(b"\xff\xd8") + b"0\r\n", lambda: repeat(b"X-Padding: abcdefghijklmnop\r\n" * 100)
        ),
        expected=Cause.BAD_RESPONSE,
        detail="headers",
    ),
    Trick(
        name="endless-until-close",
        about="a body without a length and an end",
        answer=pours(head(200, JPEG_TYPE), endless_photo),
        expected=Cause.TOO_LARGE,
        of_head=MEASURED,
    ),
    Trick(
        name="ten-gigabytes",
        about="says 10 GB and sends without an end",
        answer=pours(head(200, {**JPEG_TYPE, "Content-Length": _TEN_GB}), endless_photo),
        expected=Cause.TOO_LARGE,
        of_head=MEASURED,
    ),
    Trick(
        name="length-too-long",
        about="Content-Length says more than comes",
        answer=_with(photo, Content_Length=1_000_000),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="length-too-short",
        about="Content-Length says less than comes: the photo is cut",
        answer=_with(photo, Content_Length=50_000),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="chunked-cut",
        about="closes in the middle of a chunk",
        answer=says(lambda: _CHUNKED + chunk(photo())[:1_000]),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="chunked-whole",
        about="a whole photo without its last chunk",
        answer=says(lambda: _CHUNKED + chunk(photo())),
    ),
    Trick(
        name="chunked-bad-size",
        about="the size of a chunk is no number",
        answer=says(lambda: _CHUNKED + chunk(photo()[:1_000]) + b"zz-top\r\n" + photo()),
        expected=Cause.BAD_RESPONSE,
        of_head=MEASURED,
    ),
    Trick(
        name="two-lengths",
        about="two Content-Lengths that differ",
        answer=says(_two_lengths),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="negative-length",
        about="Content-Length: -1",
        answer=_with(small_jpeg, Content_Length=-1),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="gzip-bomb",
        about="a photo that goes on with 10 GB of zeros, in 10 MB of gzip",
        answer=pours(head(200, {"Content-Encoding": "gzip"}), lambda: gzip_bomb(_TEN_GB)),
        expected=Cause.TOO_LARGE,
        of_head=MEASURED,
    ),
    Trick(
        name="gzip-damaged",
        about="gzip that is damaged in the middle",
        answer=_packed(_damaged_gzip),
        expected=Cause.BAD_RESPONSE,
        of_head=MEASURED,
    ),
    Trick(
        name="gzip-cut",
        about="gzip that ends in the middle, the length true",
        answer=_packed(_cut_gzip),
        expected=Cause.TRUNCATED,
        of_head=MEASURED,
    ),
    Trick(
        name="gzip-lie",
        about="says gzip and sends a plain photo",
        answer=_packed(small_jpeg),
        expected=Cause.BAD_RESPONSE,
    ),
    Trick(
        name="gzip-nested",
        about="a few hundred bytes: gzip in gzip in gzip in gzip, gigabytes that hold nothing",
        answer=_packed(lambda: nested_gzip(gigabytes=30), "gzip, gzip, gzip, gzip"),
        expected=Cause.BAD_RESPONSE,
        detail="4 content codings",
    ),
    Trick(
        name="gzip-nested-lines",
        about="the same, each coding in a header of its own",
        answer=says(_nested_lines),
        expected=Cause.BAD_RESPONSE,
        detail="4 content codings",
    ),
    Trick(
        name="gzip-of-nothing",
        about="10 GB of gzip that holds not one byte",
        answer=pours(head(200, {"Content-Encoding": "gzip"}), _gzip_of_nothing),
        expected=Cause.TOO_LARGE,
    ),
    Trick(
        name="gzip-members",
        about="gzip of a million empty members",
        answer=pours(head(200, {"Content-Encoding": "gzip"}), _empty_members),
        expected=Cause.BAD_RESPONSE,
        detail="members",
    ),
    Trick(
        name="deflate-raw",
        about="a photo in deflate without its header, as half of the world sends it",
        answer=_packed(_deflated_raw, "deflate"),
    ),
    *(
        Trick(
            name=f"coding-{name}",
            about=f"Content-Encoding: {name}",
            answer=_packed(photo, name),
            expected=Cause.BAD_RESPONSE,
            detail=name,
        )
        for name in ("br", "zstd", "compress")
    ),
    *(
        Trick(
            name=f"no-coding-{name}",
            about=f"Content-Encoding: {name}, which is none",
            answer=_packed(photo, name),
        )
        for name in ("base64", "utf-8", "aws-chunked", "binary", "x-secret")
    ),
    Trick(
        name="part-unasked",
        about="206 whether a range was asked for or not",
        answer=_part_unasked,
        expected=Cause.HTTP_STATUS,
        detail="HTTP 206",
        of_head=MEASURED,
    ),
    Trick(name="no-ranges", about="416 to any range", answer=_no_ranges),
    Trick(
        name="wrong-part",
        about="another range than was asked for",
        answer=_wrong_part,
    ),
    Trick(
        name="no-content",
        about="204",
        answer=says(head(204, {})),
        expected=Cause.HTTP_STATUS,
        detail="HTTP 204",
    ),
    Trick(name="empty", about="200 and no bytes", answer=gives(bytes), expected=Cause.UNSUPPORTED_FORMAT),
)
