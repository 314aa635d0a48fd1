"""Strategies for answers of HTTP/1.1 as raw bytes: sound ones with what they mean, and damaged ones.

A sound one may be followed by bytes that nobody asked for, which must come to nothing.
"""

import gzip
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.measure.damage import DAMAGES


@dataclass(frozen=True, repr=False)
class Answered:
    """What a server sends, and what it means; `body` is None where that is not said.

    `ends` says whether the answer tells its own end, so that the connection may stay open.
    """

    raw: bytes
    body: bytes | None
    ends: bool

    def __repr__(self) -> str:
        body = None if self.body is None else f"{len(self.body)} bytes"
        return f"<{len(self.raw)} bytes {self.raw[:1_500]!r}, body={body}, ends={self.ends}>"


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


_CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"X-GZIP": lambda data: b"".join(gzip.compress(part) for part in (data[:5], data[5:])),
    b"deflate": zlib.compress,
    b"Deflate ": _deflated,
    b"identity": bytes,
    b"base64": bytes,
    b"utf-8, gzip": gzip.compress,
    b"": bytes,
}
_BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda seed, size: random.Random(seed).randbytes(size),
        st.integers(0, 2**32 - 1),
        st.integers(0, 40_000),
    ),
    st.builds(lambda byte, size: bytes([byte]) * size, st.integers(0, 255), st.integers(0, 300_000)),
)
_NOISE = st.sampled_from(
    (
        b"Content-Type: image/jpeg",
        b"content-type:text/html",
        b"X-Empty:",
        b"X-Long: " + b"y" * 3_000,
        b"Set-Cookie: a=b; domain=.example",
        b"Connection: keep-alive",
        b'ETag: "\xff\xfe"',
        b"Accept-Ranges: bytes",
        b"Content-Range: bytes 0-9/10",
        b"Retry-After: -5",
        b'Alt-Svc: h3=":443"',
        b"Strict-Transport-Security: max-age=9",
    )
)
_INTERIM = st.sampled_from(
    (b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3)
)
_BEHIND = st.sampled_from(
    (
        b"",
        b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nevil 1\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"\x00" * 100,
        b"0\r\n\r\n",
    )
)


@st.composite
def _chunked(draw: st.DrawFn, packed: bytes) -> bytes:
    """A body in chunks of sizes that differ, with extensions, and perhaps trailers."""
    dice = random.Random(draw(st.integers(0, 2**32 - 1)))
    largest = draw(st.sampled_from((1, 7, 100, 5_000, 100_000))) if len(packed) < 3_000 else 20_000
    parts, at = [], 0
    while at < len(packed):
        part = packed[at : at + dice.randint(1, largest)]
        at += len(part)
        size = dice.choice((b"%x", b"%X", b"0%x", b"%x;a=b", b'%x ; a="b"'))
        parts.append(size % len(part) + b"\r\n" + part + b"\r\n")
    trailers = draw(st.sampled_from((b"", b"", b"X-Sum: 1\r\n", b"Content-Length: 5\r\n")))
    return b"".join(parts) + draw(st.sampled_from((b"0", b"000", b"0;x"))) + b"\r\n" + trailers + b"\r\n"


@st.composite
def sound(draw: st.DrawFn) -> Answered:
    """An answer of a whole body, framed in one of the three ways that there are."""
    body = draw(_BODIES)
    coding = draw(st.sampled_from(sorted(_CODINGS)))
    packed = _CODINGS[coding](body)
    way = draw(st.sampled_from(("length", "chunked", "close")))
    lines = draw(st.lists(_NOISE, max_size=4))
    if coding:
        lines.append(b"Content-Encoding: " + coding)
    framed = draw(_chunked(packed)) if way == "chunked" else packed
    if way == "length":
        lines.append(draw(st.sampled_from((b"Content-Length: %d", b"content-length:%d "))) % len(packed))
    elif way == "chunked":
        lines.append(draw(st.sampled_from((b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked"))))
    dice = random.Random(draw(st.integers(0, 2**32 - 1)))
    dice.shuffle(lines)
    status = draw(
        st.sampled_from((b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 Fine", b"HTTP/1.1 203 X"))
    )
    head = b"\r\n".join([status, *lines, b"", b""])
    behind = draw(_BEHIND) if way != "close" else b""
    return Answered(draw(_INTERIM) + head + framed + behind, body, way != "close")


def filling_a_read(read_bytes: int = 65_536) -> Answered:
    """An answer that fills one read of libcurl's, and another one behind it, which it does not see."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    body = bytes(read_bytes - len(head % read_bytes))
    return Answered(head % len(body) + body + head % 4 + b"evil", body, True)


def _damage(answered: Answered, seeds: Sequence[int]) -> Answered:
    raw = answered.raw
    for seed in seeds:
        dice = random.Random(seed)
        head_bytes = raw.find(b"\r\n\r\n") + 4
        # Most damage is where the framing is.
        end = dice.choice((head_bytes, head_bytes + 40, len(raw)))
        part = raw[:end]
        raw = (dice.choice((*DAMAGES, _swap_line))(part, dice) if part else part) + raw[end:]
    return Answered(raw, None, False)


def _swap_line(raw: bytes, dice: random.Random) -> bytes:
    """Put a line where none belongs, or in the place of another."""
    lines = raw.split(b"\r\n")
    at = dice.randrange(len(lines))
    lines[at : at + dice.randrange(2)] = [dice.choice(_LINES)]
    return dice.choice((b"\r\n", b"\r\n", b"\n", b"\r")).join(lines)


_LINES = (
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 5, 6",
    b"Content-Length: 0x10",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding : chunked",
    b" folded: line",
    b"\tfolded",
    b"Content-Encoding: gzip, gzip",
    b"Content-Encoding: br",
    b"Content-Encoding: gzip",
    b"Location: http://169.254.169.254/",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 302 Found",
    b"HTTP/1.1 206 Partial Content",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 999 Odd",
    b"HTTP/1.1 -200 OK",
    b"HTTP/2 200",
    b"HTTP/0.9",
    b"Upgrade: h2c",
    b"ffffffffffffffff",
    b"-1",
    b"0",
    b"",
    b"\x00",
)

DAMAGED: SearchStrategy[Answered] = st.builds(
    _damage, sound(), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3)
)
