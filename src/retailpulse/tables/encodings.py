"""In which encoding a text file is written, found by reading all of it once.

Not here: lines. Weak: code pages other than Windows-1252 cannot be told from it for certain. They are refused
if they have bytes, or neighbours, that text in it does not have.
"""

import codecs
import re
from dataclasses import dataclass
from typing import IO

from retailpulse.domain.errors import InvalidRequest

BLOCK_BYTES = 1 << 20
HEAD_BYTES = 4096
LONGEST_LINE_BYTES = 16_000_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_NOT_WINDOWS_1252 = re.compile(
    rb"[\x00-\x08\x0e-\x1f\x7f]"  # control characters
    rb"|[\x81\x8d\x8f\x90\x9d]"  # bytes that it does not have
    rb"|[a-z][\x82\x84\x88\x8a\x8c\x8e\x9f]"  # a capital or a low quote in a word: DOS, Mac
    rb"|[A-Z][\x8a\x9f][a-z]"  # what are umlauts on a Mac
    rb"|[\xc0-\xff]{4}"  # four accented letters in a row: Cyrillic, Greek, Asian scripts
)

_UTF_8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How the bytes of a file become text."""

    codec: str
    name: str
    bom_bytes: int
    is_clean: bool
    """False if some lines are no such text, or may hold a NUL character: these need a look each."""


def detect_encoding(file: IO[bytes]) -> Encoding:
    """The encoding of a file that can be sought in; raises InvalidRequest if it is none known."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    for bom, codec, name in _BOMS:
        if head.startswith(bom):
            return _checked(file, codec, name, len(bom))
    if without_bom := _utf_16_without_bom(head):
        return _checked(file, without_bom, "UTF-16", 0)
    return _checked(file, "utf-8", "UTF-8", 0)


def _utf_16_without_bom(head: bytes) -> str | None:
    """UTF-16 of Western text has a NUL for every other byte."""
    even, odd = head[0::2], head[1::2]
    if len(head) < 8 or not odd:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return None


def _checked(file: IO[bytes], codec: str, name: str, bom_bytes: int) -> Encoding:
    file.seek(bom_bytes)
    decoder = codecs.getincrementaldecoder(codec)()
    has_nul = False
    try:
        while block := file.read(BLOCK_BYTES):
            text = decoder.decode(block)
            has_nul = has_nul or "\0" in text
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        if codec == "utf-8":
            return _of_other_bytes(file, bom_bytes)
        raise InvalidRequest(
            f"the file begins like {name}, but goes on otherwise: save it as CSV UTF-8"
        ) from None
    return Encoding(codec=codec, name=name, bom_bytes=bom_bytes, is_clean=not has_nul)


def _of_other_bytes(file: IO[bytes], bom_bytes: int) -> Encoding:
    """Windows-1252 if nothing in it looks like UTF-8 beyond ASCII; else UTF-8 with lines that are bad."""
    file.seek(bom_bytes)
    bad_line = None
    line = 0
    while block := file.readline(LONGEST_LINE_BYTES):
        for text in block.splitlines():
            line += 1
            if text.isascii() and bad_line is not None:
                continue
            if bom_bytes or _UTF_8_SEQUENCE.search(text):
                return Encoding(codec="utf-8", name="UTF-8", bom_bytes=bom_bytes, is_clean=False)
            if bad_line is None and _NOT_WINDOWS_1252.search(text):
                bad_line = line
    if bad_line is not None:
        raise InvalidRequest(
            f"line {bad_line}: its bytes are neither UTF-8 nor Windows-1252: save the file as CSV UTF-8"
        )
    return Encoding(codec="cp1252", name="Windows-1252", bom_bytes=0, is_clean=True)
