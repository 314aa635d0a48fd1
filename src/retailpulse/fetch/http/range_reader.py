"""Reads a whole file; or its head by Range requests, or by reading on if a server does not know them.

What is enough is the caller's to say. How a request is made is not known here.
"""

from collections.abc import Awaitable, Callable

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status
from retailpulse.fetch.http.body_reader import FIRST_LOOK_BYTES, BodyReader
from retailpulse.fetch.http.messages import WHOLE, Response
from retailpulse.fetch.http.ranges import Part, Span, parse_part, parse_total

# 16 kB hold the size of most formats, 64 kB that of 97% of JPEG files; after that, the rest as it comes.
_PART_ENDS = (FIRST_LOOK_BYTES, 65_536, None)
FIRST_SPAN = Span(start=0, end=FIRST_LOOK_BYTES)

RANGE_REFUSED = frozenset({400, 403, 405, 416, 500, 501})
"""Statuses with which servers answer that do not know ranges, and would send the whole file."""

Ask = Callable[[Span | None], Awaitable[Response]]
"""Makes one request for a span of the file, or without one for all of it."""


async def read_whole(ask: Ask, _: BodyReader) -> None:
    """Read all of a file into the intake; raises TryFailed."""
    answer = await ask(None)
    if answer.status not in WHOLE:
        raise _failed(answer)


async def read_head(ask: Ask, reader: BodyReader) -> None:
    """Read into the intake until it is satisfied or the file ends; raises TryFailed.

    A server that refuses ranges, or sends something else than the one it was asked for, is asked once for the
    whole file, which is left as soon as it is enough.
    """
    if not await _read_parts(ask, reader):
        _finish_whole(await ask(None), reader)


async def _read_parts(ask: Ask, reader: BodyReader) -> bool:
    """Read part after part; False where the whole file must be asked for instead."""
    total: int | None = None
    for end in _PART_ENDS:
        start = reader.size
        answer = await ask(Span(start=start, end=end) if start else FIRST_SPAN)
        if answer.status == 416:
            await _end_or_ask_whole(ask, reader, answer)
            return True
        if answer.status in RANGE_REFUSED:
            return False
        if answer.status != 206:
            _finish_whole(answer, reader)
            return True
        part = _checked(answer, start, reader)
        if part is None:
            return False
        if total is not None and part.total not in (None, total):
            raise TryFailed(Cause.BAD_RESPONSE, "the file changed while it was read", again=True)
        total = part.total
        if reader.satisfied or _looked(reader) or total == reader.size:
            return True
    if total is not None:
        raise TryFailed(Cause.TRUNCATED, f"{reader.size} of {total} bytes were sent", again=True)
    return True


def _checked(answer: Response, start: int, reader: BodyReader) -> Part | None:
    """The part of a 206, held against what was asked for and what arrived; None where it is another one."""
    part = parse_part(answer.header(b"content-range"))
    if part is None or part.start != start or answer.is_coded or reader.is_beyond_part:
        return None  # a range of coded bytes says nothing on its own
    if reader.unclean_end is not None:
        if reader.size < part.end:
            raise reader.unclean_end.bare()
        reader.unclean_end = None  # all of the part is there
    if reader.size > part.end or (reader.size < part.end and not reader.satisfied):
        return None
    return part


async def _end_or_ask_whole(ask: Ask, reader: BodyReader, answer: Response) -> None:
    """A 416 says that the file ended just there (an empty one does at once), or that ranges do not work."""
    total = parse_total(answer.header(b"content-range"))
    if total == reader.size:
        _looked(reader)
    elif reader.size == 0:
        _finish_whole(await ask(None), reader)
    else:
        raise TryFailed(Cause.BAD_RESPONSE, "the file changed while it was read", again=True)


def _finish_whole(answer: Response, reader: BodyReader) -> None:
    if answer.status not in WHOLE:
        raise _failed(answer)
    if not reader.satisfied:
        _looked(reader)


def _looked(reader: BodyReader) -> bool:
    """Ask whether it is enough now that an answer is over."""
    reader.look()
    reader.raise_failure()
    return reader.satisfied


def _failed(answer: Response) -> TryFailed:
    return of_status(
        answer.status,
        answer.retry_after_seconds,
        error_code=answer.error_code,
        is_refusal=answer.is_refusal,
    )
