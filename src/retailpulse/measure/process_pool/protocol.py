"""What a worker and its decoders say to each other: requests of a fixed shape, answers of a few types.

An answer may come from a process that a picture has taken over: it is decoded into these types and nothing
else, and every text, list and length in it is bounded. The bodies themselves lie on the `ring_buffer`.
"""

import struct
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.analyze.analyzer import MAX_ANALYZERS, MAX_FACTS_BYTES
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Cause
from retailpulse.domain.thumbnails import ThumbnailKind

MAX_TEXT = 300
BATCH = 32
"""Most requests in one datagram, and answers in another."""
MAX_ANSWER_BYTES = BATCH * max(4 * MAX_TEXT + 100, MAX_ANALYZERS * (MAX_FACTS_BYTES + 80) + 100)

REQUEST = struct.Struct("<IIQQQ")
"""The place of the body's state on the ring buffer, analyzers to leave out, where its room on the ring buffer
begins and how large that is, the length of the body.

Each analyzer is a bit, the first one the lowest.
A body that does not lie in its room is in a file that comes with the request, which is then alone.
"""
ORDER = struct.Struct("<cQ")
"""What the fork server should do, and the number of the decoder it concerns."""
FORK, KILL, LOWER = b"f", b"k", b"l"

Text = Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"^[^\x00]*$")]  # PostgreSQL stores no NUL

LogText = Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"\A[ -~]*\Z")]  # one line of printable ASCII


class Measured(msgspec.Struct, frozen=True, tag=True):
    """The body could be measured."""

    sha256: Annotated[bytes, Meta(min_length=32, max_length=32)]
    analyses: Annotated[list[Analysis], Meta(max_length=MAX_ANALYZERS)]
    thumbnail_bytes: dict[ThumbnailKind, Annotated[int, Meta(gt=0, lt=2**31)]] = {}
    """The lengths of the thumbnails that lie, one behind another, where the body's room begins."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The body could not be measured; becomes an ImageError."""

    cause: Cause
    detail: Text


class Missing(msgspec.Struct, frozen=True, tag=True):
    """A library of the decoder cannot be imported, which says nothing about the body."""

    text: Text


class Skipped(msgspec.Struct, frozen=True, tag=True):
    """No task waits for this body any more: it was not measured."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The decoder is no more: its exit code, or the signal that killed it as a negative number.

    `said` is the end of what it last wrote to its standard error: for our log, never for a client.
    """

    code: int
    said: LogText = ""


class Forked(msgspec.Struct, frozen=True, tag=True):
    """The first word on a channel, by the fork server: which process the decoder is."""

    pid: Annotated[int, Meta(gt=0, lt=2**31)]


Reply = Measured | Failed | Missing | Skipped
Answer = Measured | Failed | Missing | Ended

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Annotated[list[Reply], Meta(max_length=BATCH)] | Forked | Ended).decode
"""Raises msgspec.MsgspecError, or UnicodeDecodeError, on what is no answer."""
