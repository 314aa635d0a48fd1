"""Reads the JSON of a large submit from a file into a spool, piece by piece: memory is bounded by one visit.

This code only looks for brackets outside of texts. Whether a piece is JSON, and what it says, is decided by
the same decoders that read small bodies: all but the visits is one document, each run of visits a list. Weak:
a visit is decoded in one step; one of 64 MB keeps other threads waiting for about a tenth of a second.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import IO

from retailpulse.api.submit.parse_json import Form
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.jobs import JobOptions, Visit
from retailpulse.storage.jobs.spool import Spool
from retailpulse.web.errors import TooLarge

BLOCK_BYTES = 256 * 1024
"""So much is read, looked through and decoded in one step."""
MAX_TEXT_BYTES = 4_000_000
"""Most bytes of one text."""
MAX_REST_BYTES = 4_000_000
MAX_REST_QUOTES = 100_000
"""Most bytes, and twice the most texts, of all that is no visit."""
MAX_VISIT_BYTES = 64_000_000
BRACKETS_PER_IMAGE = 10
"""Most brackets for each image that a job may have: each one is a step of Python."""
MAX_DEPTH = 1_000
_KEY_BYTES = 200
_BLANKS = b" \t\r\n"
_GATHERED = 1_000
"""Images of a visit that are handed on at once."""
_OTHER_TEXTS = 2 * BLOCK_BYTES
"""Texts of visits that are read together which may stand beside their URLs."""

# Goes on up to a bracket outside of texts, or to a text that does not end here. It always matches, as
# the next does. Not possessive: Python 3.11.2 matches wrongly then.
_PLAIN = re.compile(rb'(?:[^"{}\[\]]+|"[^"\\]*(?:\\.[^"\\]*)*")*', re.DOTALL)
# Goes on within a text up to the quote that ends it, or as far as it is there.
_IN_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_BEFORE_VISITS = re.compile(rb'(?<!\\)"visits"[ \t\r\n]*:[ \t\r\n]*\[\Z')


def read_large(file: IO[bytes], spool: Spool, form: Form, max_images: int) -> JobOptions:
    """Puts the visits of a body into a spool, and gives what it says of its job.

    Raises InvalidRequest naming the field, the visit and the reason; TooLarge over `max_images`.
    """
    rest = _Rest()
    visits = _Visits(spool, form, max_images)
    depth, is_in_visits = 0, False
    for text, bracket in _pieces(file, BRACKETS_PER_IMAGE * max_images + BLOCK_BYTES):
        depth += (bracket in (b"{", b"[")) - (bracket in (b"}", b"]"))
        if depth > MAX_DEPTH:
            raise InvalidRequest("the body is nested too deep")
        if is_in_visits and (depth > 1 or bracket != b"]"):
            visits.add(text, bracket, is_whole=depth == 2 and bracket == b"}")
        elif is_in_visits:
            visits.add(text, b"", is_whole=False)
            visits.end()
            rest.add(b"", bracket)
            is_in_visits = False
        else:
            rest.add(text, bracket)
            is_in_visits = depth == 2 and bracket == b"[" and rest.is_before_visits()
    parsed = form.read(rest.text())
    if parsed.visit_count:  # the key was written in a way that is not looked for
        raise InvalidRequest('visits: write the key "visits" in a large body without escapes')
    form.validator.finish(spool.visits, parsed.why_miscounted(visits.count))
    spool.finish()
    return parsed.options


class _Rest:
    """A body without its visits."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._has_visits = False

    def add(self, text: bytes, bracket: bytes) -> None:
        self._text += _shortened(text) + bracket
        if len(self._text) > MAX_REST_BYTES:
            raise TooLarge(f"the body has more than {MAX_REST_BYTES} bytes beside its visits")

    def is_before_visits(self) -> bool:
        """Whether what follows is the list of the visits; raises InvalidRequest for a second one."""
        is_before = _BEFORE_VISITS.search(self._text[-_KEY_BYTES:]) is not None
        if is_before and self._has_visits:
            raise InvalidRequest("visits: it is there more than once")
        self._has_visits = self._has_visits or is_before
        return is_before

    def text(self) -> bytes:
        if self._text.count(b'"') > MAX_REST_QUOTES:
            raise TooLarge(f"the body has more than {MAX_REST_QUOTES // 2} texts beside its visits")
        return bytes(self._text)


class _Visits:
    """The list of the visits, as it is cut into pieces and read."""

    def __init__(self, spool: Spool, form: Form, max_images: int) -> None:
        self.count = 0
        """Visits that were read, bad ones too."""
        self._spool = spool
        self._form = form
        self._max_images = max_images
        self._text = bytearray()

    def add(self, text: bytes, bracket: bytes, *, is_whole: bool) -> None:
        """Adds what follows; `is_whole`: a visit ends with it."""
        self._text += _shortened(text) + bracket
        if is_whole and len(self._text) >= BLOCK_BYTES:
            self._read()
        elif len(self._text) > MAX_VISIT_BYTES:
            self._check_texts(self._text)
            raise TooLarge(
                f"visits[{self.count}]: it is part of more than {MAX_VISIT_BYTES} bytes that cannot "
                "be read apart; split the visit into several"
            )

    def end(self) -> None:
        """Parses what is left after the last piece; raises InvalidRequest."""
        if self._text.strip(_BLANKS) or not self.count:
            self._read()

    def _read(self) -> None:
        text = self._text.lstrip(_BLANKS)
        self._text = bytearray()
        number = self.count
        if number:
            if not text.startswith(b",") or not text[1:].strip(_BLANKS):
                raise InvalidRequest(f"the body is not JSON in UTF-8: malformed after visits[{number - 1}]")
            del text[:1]
        self._check_texts(text)
        for visit in self._form.read_visits(b"[%b]" % bytes(text), number + 1):
            self.count += 1
            if visit is not None:
                self._spool_visit(visit)

    def _check_texts(self, text: bytearray) -> None:
        """Raises TooLarge if there are more texts than images may be, before they are made."""
        if text.count(b'"') // 2 > self._max_images + _OTHER_TEXTS:
            raise self._too_many()

    def _spool_visit(self, visit: Visit) -> None:
        if self._spool.images + len(visit.image_urls) > self._max_images:
            raise self._too_many()
        self._spool.begin_visit(visit.store_id, visit.visit_time, visit.visited_at)
        urls = iter(visit.image_urls)
        while some := list(islice(urls, _GATHERED)):
            self._spool.add_images(some, None if visit.extra is None else [visit.extra] * len(some))

    def _too_many(self) -> TooLarge:
        return TooLarge(f"the job has more than {self._max_images} images: split it into several jobs")


def _shortened(text: bytes) -> bytes:
    """A text without what means nothing: blanks that fill it."""
    return text if text.strip(_BLANKS) else text[:1]


def _pieces(file: IO[bytes], most: int) -> Iterator[tuple[bytes, bytes]]:
    """The file cut at each bracket outside of texts: what is before it, and the bracket.

    No bracket if only a block of the file ends. Raises TooLarge for a text that is too long, and for more
    than `most` brackets.
    """
    text, left, seen = b"", most, 0
    while block := file.read(BLOCK_BYTES):
        text += block
        at = end = 0
        if seen:  # it begins with a text, whose end is looked for where the last look ended
            seen = _end(_IN_TEXT, text, seen)
            end = seen + 1 if text[seen : seen + 1] == b'"' else 0
        if end or not seen:
            while (end := _end(_PLAIN, text, end)) < len(text) and text[end : end + 1] != b'"':
                yield text[at:end], text[end : end + 1]
                at = end = end + 1
                left -= 1
            yield text[at:end], b""
            text = text[end:]
            seen = _end(_IN_TEXT, text, 1) if text else 0
        if left < 0:
            raise TooLarge(f"the body has more than {most} lists and objects in it")
        if len(text) > MAX_TEXT_BYTES:
            raise TooLarge(f"a text in the body has more than {MAX_TEXT_BYTES} bytes")
    yield text, b""


def _end(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    """Where a pattern that always matches ends."""
    found = pattern.match(text, start)
    return found.end() if found else start
