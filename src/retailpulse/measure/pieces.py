"""A body in the pieces it arrived in: measured without joining them, if that can be done.

A format may tell all that depth `download` asks for by its beginning and its end; the others are joined.
"""

import hashlib
from collections.abc import Iterator, Sequence

from retailpulse.domain.images import Header
from retailpulse.measure.body import check_complete
from retailpulse.measure.formats.sniff import sniff
from retailpulse.measure.formats.work import Work
from retailpulse.measure.header import check_size, read_header
from retailpulse.measure.measurement import make_measurement
from retailpulse.schema import Measurement

HEAD_BYTES = 65_536
"""As much of the beginning is looked at before everything is joined; nearly every header is in it."""


class Digest:
    """The SHA-256 of a body, made while it arrives: one for each try."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.update = self._hash.update
        """Take the next piece in; the hash's own method, as there may be thousands of pieces."""

    def hexdigest(self) -> str:
        """The SHA-256 of all pieces so far, as hexadecimal text."""
        return self._hash.hexdigest()


def measure_pieces(
    pieces: Sequence[bytes], sha256: str, max_pixels: int, work: Work | None = None
) -> Measurement:
    """Measure a whole body at depth `download` whose SHA-256 is known already.

    Raises the same ImageErrors as `measure_body` at that depth.
    """
    work = work or Work()
    header = _check_pieces(pieces, max_pixels, work) or check_complete(joined(pieces), max_pixels, work)
    return make_measurement(header, size_bytes=sum(map(len, pieces)), sha256=sha256)


def read_header_of(pieces: Sequence[bytes], max_pixels: int, work: Work) -> Header | None:
    """The header of a body by its beginning, or None if that does not tell; raises as `read_header`."""
    for beginning in _beginnings(pieces):
        if (header := read_header(beginning, max_pixels, work)) is not None:
            return header
    return None


def joined(pieces: Sequence[bytes]) -> bytes:
    """The pieces as one bytes object."""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_pieces(pieces: Sequence[bytes], max_pixels: int, work: Work) -> Header | None:
    """The header of a complete body, or None if it must be joined for that."""
    for beginning in _beginnings(pieces):
        image_format = sniff(beginning, work)
        if image_format is None:
            continue
        if (check_end := image_format.check_end_in_pieces) is None:
            return None
        size = image_format.read_size(beginning, work)
        header = None if size is None else check_size(image_format.name, size, max_pixels)
        if header is not None and check_end(beginning, pieces, size, work):
            return header
    return None


def _beginnings(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """The first piece, which is nearly always enough, and then as many as have HEAD_BYTES."""
    yield from pieces[:1]
    length = 0
    for count, piece in enumerate(pieces, 1):
        length += len(piece)
        if length >= HEAD_BYTES or count == len(pieces):
            yield joined(pieces[:count])
            return
