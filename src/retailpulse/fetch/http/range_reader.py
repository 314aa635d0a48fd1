"""Reads a whole file; or its head by Range requests, or by reading on if a server does not know them.

What is enough is the caller's to say. How a request is made is not known here.
"""

from collections.abc import Awaitable, Callable

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status
from retailpulse.fetch.http.body_reader import FIRST_LOOK_BYTES, BodyReader
from retailpulse.fetch.http.messages import WHOLE, Answer
from retailpulse.fetch.http.ranges import Part, Span, parse_part, parse_total

# 16 kB hold the size of most formats, 64 kB that of 97% of JPEG files; after that, the rest as it comes.
_PART_ENDS = (FIRST_LOOK_BYTES, 65_536, None)
_FIRST_SPAN = Span(start=0, end=FIRST_LOOK_BYTES)

Ask = Callable[[Span | None], Awaitable[Answer]]
"""Makes one request for a span of the file, or without one for all of it."""


async def read_whole(ask: Ask, _: BodyReader) -> None:
    """Read all of a file into the intake; raises TryFailed."""
    answer = await ask(None)
    if answer.status not in WHOLE:
        raise of_status(answer.status, answer.retry_after_seconds)


async def read_head(ask: Ask, reader: BodyReader) -> None:
    """Read into the intake until it is satisfied or the file ends; raises TryFailed."""
    total: int | None = None
    for end in _PART_ENDS:
        start = reader.size
        answer = await ask(Span(start=start, end=end) if start else _FIRST_SPAN)
        if answer.status == 416:
            await _end_or_ask_whole(ask, reader, answer)
            return
        if answer.status == 206 and start == 0 and answer.is_coded:
            answer = await ask(None)  # a range of coded bytes says nothing on its own
        if answer.status != 206:
            _finish_whole(answer, reader)
            return
        total = _checked(answer, start, reader, total).total
        if reader.satisfied or _looked(reader) or total == reader.size:
            return
    if total is not None:
        raise TryFailed(Cause.TRUNCATED, f"{reader.size} of {total} bytes were sent", again=True)


def _checked(answer: Answer, start: int, reader: BodyReader, total: int | None) -> Part:
    """The part of a 206, held against what was asked for and what arrived."""
    part = parse_part(answer.header(b"content-range"))
    if part is None or part.start != start:
        raise TryFailed(Cause.BAD_RESPONSE, "not the range that was asked for")
    if total is not None and part.total not in (None, total):
        raise TryFailed(Cause.BAD_RESPONSE, "the file changed while it was read", again=True)
    if reader.size > part.end or (reader.size < part.end and not reader.satisfied):
        raise TryFailed(Cause.BAD_RESPONSE, "the range holds more or less than it says")
    return part


async def _end_or_ask_whole(ask: Ask, reader: BodyReader, answer: Answer) -> None:
    """A 416 says that the file ended just there (an empty one does at once), or that ranges do not work."""
    total = parse_total(answer.header(b"content-range"))
    if total == reader.size:
        _looked(reader)
    elif reader.size == 0:
        _finish_whole(await ask(None), reader)
    else:
        raise TryFailed(Cause.BAD_RESPONSE, "the file changed while it was read", again=True)


def _finish_whole(answer: Answer, reader: BodyReader) -> None:
    if answer.status not in WHOLE:
        raise of_status(answer.status, answer.retry_after_seconds)
    if not reader.satisfied:
        _looked(reader)


def _looked(reader: BodyReader) -> bool:
    """Ask whether it is enough now that an answer is over."""
    reader.look()
    reader.raise_failure()
    return reader.satisfied
