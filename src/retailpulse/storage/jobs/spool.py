"""A job on its way in that is too large for memory: its visits and images in files, as COPY reads them.

It is filled by a thread, without a database connection; the files vanish when it is closed. In memory are
the numbers of its images by host, a few bytes of each URL's hash, as the database would take longer, and the
last images, as visits are too small to be worth a write each.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import IO, Self

import msgspec

from retailpulse.domain.ids import new_job_id
from retailpulse.storage.jobs.duplicate_detector import DuplicateDetector
from retailpulse.storage.scheduling.slice_builder import OriginOf, SliceBuilder

MEMORY_BYTES = 1 << 20
"""A file that stays smaller than this is kept in memory."""
BLOCK_BYTES = 1 << 18
BLOCK_ROWS = 1_000
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {ord("\\"): r"\\", ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r"}
"""What COPY reads as more than itself."""
_UNESCAPES = {text: chr(code) for code, text in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\[\\tnr]")


def escape(text: str) -> str:
    """A text as COPY reads it."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def unescape(text: str) -> str:
    """A text as it was before `escape`."""
    return _ESCAPED.sub(lambda found: _UNESCAPES[found[0]], text) if "\\" in text else text


def escape_or_null(text: str | None) -> str:
    """A text that may be missing as COPY reads it."""
    return r"\N" if text is None else escape(text)


def _escape_all(texts: Sequence[str]) -> Sequence[str]:
    return list(map(escape, texts)) if _SPECIAL.search("".join(texts)) else texts


class SpooledVisit(msgspec.Struct, kw_only=True, gc=False):
    """A visit as its row; whether its store is known is seen when it is written."""

    visit_no: int
    store_id: str
    visit_time: str
    visited_at: datetime | None
    first_image_no: int
    images: int


class Spool:
    """The visits of one job; numbers begin with 1, in the order in which they are added."""

    def __init__(self, folder: str | None, origin_of: OriginOf) -> None:
        self.job_id = new_job_id()
        self.images = 0
        self.visits = 0
        self.visits_without_time = 0
        self.slices = SliceBuilder(origin_of)
        """All images, whatever their stores and URLs."""
        self.may_have_copies = False
        """Whether any URL may be there twice; known once it is finished."""
        self._duplicates = DuplicateDetector()
        self._open: SpooledVisit | None = None
        self._visits: list[SpooledVisit] = []
        self._urls: list[str] = []
        """Of the images that are not written yet."""
        self._visit_nos: list[int] = []
        self._extras: list[str] = []
        """As COPY reads them."""
        self._characters = 0
        self._visit_file: IO[bytes] = temporary_file(folder)
        self._image_file: IO[bytes] = temporary_file(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._visit_file.close()
        self._image_file.close()

    def begin_visit(self, store_id: str, visit_time: str, visited_at: datetime | None) -> None:
        """Begins the next visit; the images added from now on are its."""
        self._end_visit()
        self.visits += 1
        self.visits_without_time += visited_at is None
        self._open = SpooledVisit(
            visit_no=self.visits,
            store_id=store_id,
            visit_time=visit_time,
            visited_at=visited_at,
            first_image_no=self.images + 1,
            images=0,
        )

    def add_images(self, urls: Sequence[str], extras: Sequence[str | None] | None = None) -> None:
        """Adds images to the visit that was begun last; `extras` are those of each, None: there are none."""
        self._urls += urls
        self._visit_nos += [self.visits] * len(urls)
        self._extras += [r"\N"] * len(urls) if extras is None else map(escape_or_null, extras)
        self.images += len(urls)
        self._characters += len("".join(urls))
        if extras is not None:
            self._characters += len("".join(filter(None, extras)))
        if self._characters >= BLOCK_BYTES or len(self._urls) >= BLOCK_ROWS:
            self._write_images()

    def finish(self) -> None:
        """Says that nothing more comes; it can be read from now on."""
        self._end_visit()
        self._write_visits()
        self._write_images()
        self.may_have_copies = self._duplicates.end()
        self._visit_file.seek(0)
        self._image_file.seek(0)

    def visit_blocks(self) -> Iterator[str]:
        """The visits, as JSON lists of `SpooledVisit`."""
        for line in self._visit_file:
            yield line.decode()

    def read_images(self) -> bytes:
        """The next images as COPY reads them: job, image and visit number, URL, extra; empty at the end."""
        return self._image_file.read(BLOCK_BYTES)

    def first_urls(self, visits: int) -> dict[int, str]:
        """The first URL of each of the first visits, as far as they are in the first block of images."""
        rows = [row.split("\t") for row in self.read_images().decode("utf-8", "replace").split("\n")]
        found: dict[int, str] = {}
        for row in rows[:-1]:  # the last one may be cut off
            if int(row[2]) > visits:
                break
            found.setdefault(int(row[2]), unescape(row[3]))
        return found

    def _end_visit(self) -> None:
        if self._open is None:
            return
        self._open.images = self.images + 1 - self._open.first_image_no
        self._visits.append(self._open)
        self._open = None
        if len(self._visits) == BLOCK_ROWS:
            self._write_visits()

    def _write_images(self) -> None:
        begin, first_no = f"{self.job_id}\t", self.images + 1 - len(self._urls)
        numbered = zip(count(first_no), self._visit_nos, _escape_all(self._urls), self._extras, strict=False)
        rows = [f"{begin}{no}\t{visit_no}\t{url}\t{extra}\n" for no, visit_no, url, extra in numbered]
        self._image_file.write("".join(rows).encode())
        self._duplicates.add_all(self._urls)
        self.slices.add_all(first_no, self._urls)
        for written in (self._urls, self._visit_nos, self._extras):
            written.clear()
        self._characters = 0

    def _write_visits(self) -> None:
        self._visit_file.write(msgspec.json.encode(self._visits) + b"\n")
        self._visits.clear()


def temporary_file(folder: str | None) -> IO[bytes]:
    """A file without a name, in memory while it is small; `folder` None: the system's folder for those."""
    return tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=folder)
