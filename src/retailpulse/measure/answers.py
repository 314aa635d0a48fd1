"""What a worker and its decoders say to each other: requests of a fixed shape, answers of a few types.

An answer may come from a process that a picture has taken over: it is decoded into these types and nothing
else, and every text and length in it is bounded. The body itself never travels here.
"""

import struct
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.images import Cause

MAX_TEXT = 300
MAX_ANSWER_BYTES = 4096

REQUEST = struct.Struct("<Q")
"""Length of the body."""
ORDER = struct.Struct("<cQ")
"""What the nursery should do, and the number of the decoder it concerns."""
WAITING, TAKEN = b"w", b"t"
"""The first byte of the shared memory: whether the decoder has taken the body that follows it."""
FORK, KILL = b"f", b"k"

Text = Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"^[^\x00]*$")]  # PostgreSQL stores no NUL


class Measured(msgspec.Struct, frozen=True, tag=True):
    """The body could be measured; the header is left out, as the worker reads it for itself."""

    sha256: Annotated[bytes, Meta(min_length=32, max_length=32)] | None
    suspect: Text | None


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The body could not be measured; becomes an ImageError."""

    cause: Cause
    detail: Text


class Missing(msgspec.Struct, frozen=True, tag=True):
    """A library of the decoder cannot be imported, which says nothing about the body."""

    text: Text


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The decoder is no more: its exit code, or the signal that killed it as a negative number."""

    code: int


Answer = Measured | Failed | Missing | Ended

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Answer).decode
"""Raises msgspec.MsgspecError, or UnicodeDecodeError, on what is no answer."""
