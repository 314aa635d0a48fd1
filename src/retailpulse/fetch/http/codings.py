"""Content codings of HTTP: which one a body has, and undoing it in steps of bounded input and output.

One coding is undone, never two: each further one multiplies what a byte of the sender's costs us by a
thousand. A name that is no coding (`base64`, `utf-8`, `aws-chunked`) changes nothing, as in browsers.
"""

import zlib
from typing import Literal

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.http.messages import find_headers

Coding = Literal["gzip", "deflate"]

_UNDONE: dict[bytes, Coding] = {b"gzip": "gzip", b"x-gzip": "gzip", b"deflate": "deflate"}
_NOT_UNDONE = frozenset(b"aes128gcm br compress dcb dcz exi pack200-gzip x-compress zstd".split())
"""The other codings that IANA lists. Requests ask for none of them."""
_GZIP_MAGIC = b"\x1f\x8b"
MOST_MEMBERS = 1_000
"""Parts of a gzip file. Those who write many (bgzip) put 64 kB into each, so no body has more."""


def find_coding(head: bytes) -> Coding | None:
    """The one coding that a body has, if any; raises TryFailed if we would not undo it."""
    lists = find_headers(head, b"content-encoding")
    if not lists:
        return None
    names = [name.partition(b";")[0].strip().lower() for name in b",".join(lists).split(b",")]
    codings = [name for name in names if name in _UNDONE or name in _NOT_UNDONE]
    if len(codings) > 1:
        raise TryFailed(Cause.BAD_RESPONSE, f"{len(codings)} content codings, one in another")
    if not codings:
        return None
    if codings[0] not in _UNDONE:
        raise TryFailed(
            Cause.BAD_RESPONSE, f"the content coding {codings[0].decode()}, which was not asked for"
        )
    return _UNDONE[codings[0]]


class Decompressor:
    """Undoes one coding; not for two threads at once.

    `has_more` says whether a further step may give bytes without further input.
    """

    def __init__(self, coding: Coding) -> None:
        self.has_more = False
        self._coding = coding
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._left = b""
        self._is_over = False

    def step(self, data: bytes, most_bytes: int) -> bytes:
        """Take input in and give the next bytes, at most `most_bytes`; none if more input is needed.

        Raises TryFailed `bad_response`. What follows the end is dropped, as browsers do.
        """
        self._left += data
        try:
            return self._inflate(most_bytes)
        except zlib.error:
            raise TryFailed(Cause.BAD_RESPONSE, f"the body is not valid {self._coding}") from None

    def check_end(self) -> None:
        """Raise TryFailed `truncated` if the input ended before its coding; none at all is whole."""
        if self._stream is not None or (self._left and not self._members):
            raise TryFailed(Cause.TRUNCATED, f"the body ended before its {self._coding} did", again=True)

    def _inflate(self, most_bytes: int) -> bytes:
        while stream := self._stream or self._begin():
            unpacked = stream.decompress(self._left, most_bytes)
            self._left = stream.unused_data if stream.eof else stream.unconsumed_tail
            self._stream = None if stream.eof else stream
            # Bytes may be left inside of zlib too, if as many came out as were asked for.
            self.has_more = bool(self._left) or len(unpacked) == most_bytes
            if unpacked or not self.has_more:
                return unpacked
        self.has_more = False
        return b""

    def _begin(self) -> "zlib._Decompress | None":
        """Begin the stream, or the next member of it; None if there is none, or too little of it yet."""
        if self._is_over:
            self._left = b""
        if len(self._left) < len(_GZIP_MAGIC):
            return None
        if self._members:
            self._is_over = self._coding != "gzip" or not self._left.startswith(_GZIP_MAGIC)
            if self._is_over:
                return None
            if self._members == MOST_MEMBERS:
                raise TryFailed(Cause.BAD_RESPONSE, f"gzip of more than {MOST_MEMBERS} members")
        self._members += 1
        return zlib.decompressobj(self._window())

    def _window(self) -> int:
        """The format as zlib's `wbits`; many servers send `deflate` without its two-byte header."""
        if self._coding == "gzip":
            return zlib.MAX_WBITS | 16
        has_header = self._left[0] & 0x0F == 8 and int.from_bytes(self._left[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
