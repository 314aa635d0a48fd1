"""What a decoder writes to its standard error: a small pipe that never blocks, read after each body.

Libraries in C write there whatever they find odd, hundreds of thousands of lines for one picture: what does
not fit is dropped. Weak: of what one body's decoder wrote only the first line is kept.
"""

import fcntl
import os
from contextlib import suppress

PIPE_BYTES = 4096
MAX_LINE = 160


def new_pipe() -> tuple[int, int]:
    """The descriptors of a new pipe, reading end first; raises OSError."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with suppress(OSError):  # as large as pipes are, then
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


def read_said(reading: int) -> bytes:
    """What was written since the last time, as much of it as found room; empty if nothing was."""
    try:
        return os.read(reading, PIPE_BYTES)
    except BlockingIOError:
        return b""


def first_line(said: bytes) -> str:
    """The first line that says something, fit to be shown; empty if there is none."""
    return next((line for raw in said.splitlines() if (line := _printable(raw)[:MAX_LINE])), "")


def last_words(said: bytes, most: int) -> str:
    """The last `most` characters that were written, as one printable line for a log."""
    return _printable(said)[-most:]


def _printable(said: bytes) -> str:
    text = said.decode("ascii", "replace")
    return " ".join("".join(one if one.isprintable() and one.isascii() else " " for one in text).split())
