"""Looking for zeroed parts in the coded data of a WebP: pictures, transparency, and frames of an animation.

How long a run of zeros a whole file may have depends on how its pixels are coded. Weak: of transparency only
zeroed pages are found, and nothing if it is stored raw.
"""

import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeroed_pages, has_zeros

_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK, _FRAME_HEAD_BYTES = 12, 16
_BLOCK = 16
_COMPRESSION = 0x03

_CHUNK_STEPS = 5
_LEAST_ZEROS, _LEAST_ZEROS_LOSSLESS = 256, 1024
_BLOCKS_PER_ZERO = 48
"""A flat block costs at least 25 decisions of 1/177 bit (RFC 6386), 56 of them a byte that may be zero."""
_CUT_BYTES = 16

Decodes: TypeAlias = Callable[[bytes], bool]
"""Whether a body decodes."""


def find_damage(body: bytes, end: int, size: Size, work: Work, decodes: Decodes) -> str | None:
    """Which chunk up to an offset has zeros that no encoder writes, in a few words; None if none has."""
    blocks = -(-size.width // _BLOCK) * -(-size.height // _BLOCK)
    for kind, start, stop in _chunks(body, _FIRST_CHUNK, end, work):
        if kind == b"VP8 ":
            is_zeroed = has_zeros(body, start, stop, _LEAST_ZEROS + blocks // _BLOCKS_PER_ZERO)
        elif kind == b"VP8L" and has_zeros(body, start, stop, _LEAST_ZEROS_LOSSLESS):
            return _find_rest(body[start:stop], decodes)
        else:
            is_compressed = kind == b"ALPH" and start < stop and body[start] & _COMPRESSION == 1
            is_zeroed = is_compressed and has_zeroed_pages(body, start, stop, work)
        if is_zeroed:
            return f"the {kind.decode().strip()} data have a run of zeros that no picture makes"
    return None


def _find_rest(lossless: bytes, decodes: Decodes) -> str | None:
    """Whether lossless data with a run of zeros, which may be that of a flat picture, end before their end.

    Zeros decode to pixels too, but not to as many as were there; whole data cannot be cut.
    """
    cut = lossless[: len(lossless) - _CUT_BYTES & ~1]  # chunks have an even length
    chunk = _CHUNK.pack(b"VP8L", len(cut)) + cut
    if decodes(_CHUNK.pack(b"RIFF", len(chunk) + 4) + b"WEBP" + chunk):
        return "the VP8L data have a run of zeros, and the picture ends before they do"
    return None


def _chunks(body: bytes, position: int, end: int, work: Work) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind and the offsets of its content and its end; those of a frame instead of the frame."""
    while position + _CHUNK.size <= end:
        work.spend(_CHUNK_STEPS)
        kind, length = _CHUNK.unpack_from(body, position)
        start = position + _CHUNK.size
        stop = min(start + length, end)
        if kind == b"ANMF":
            yield from _chunks(body, start + _FRAME_HEAD_BYTES, stop, work)
        else:
            yield kind, start, stop
        position = start + length + (length & 1)
