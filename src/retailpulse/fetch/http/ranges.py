"""Spans of bytes: how they are asked for, and the Content-Range header of RFC 9110, read strictly.

Nothing else of HTTP is known here.
"""

import re

import msgspec

_SATISFIED = re.compile(rb"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(rb"bytes \*/(\d{1,18})", re.IGNORECASE)


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The bytes to ask for; `end` is the byte after them, None asks for all that is left."""

    start: int
    end: int | None

    def __str__(self) -> str:
        return f"{self.start}-{'' if self.end is None else self.end - 1}"


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The part of a file that an answer says it holds; `end` is the byte after it."""

    start: int
    end: int
    total: int | None


def parse_part(content_range: bytes | None) -> Part | None:
    """The part that a 206 names, or None if the header is missing or makes no sense."""
    match = _SATISFIED.fullmatch(content_range or b"")
    if match is None:
        return None
    start, end = int(match[1]), int(match[2]) + 1
    total = None if match[3] == b"*" else int(match[3])
    if end <= start or (total is not None and total < end):
        return None
    return Part(start=start, end=end, total=total)


def parse_total(content_range: bytes | None) -> int | None:
    """The size of the file that a 416 names, or None if it names none."""
    match = _UNSATISFIED.fullmatch(content_range or b"")
    return int(match[1]) if match else None
