"""Zeroed parts of a file: what a download into a preallocated file or a lost page leaves behind.

How long a run of zeros may be in whole files is the formats' to say. Weak: where a picture may honestly have
long runs, only one that fills whole pages is told from them.
"""

import re

from retailpulse.measure.formats.work import Work

PAGE_BYTES = 4096
"""File systems, flash memory and downloads in parts lose multiples of this."""
_PAGE = bytes(PAGE_BYTES)
_NOT_ZERO = re.compile(rb"[^\0]")

_SAMPLES = 4
"""So many bytes of a run are looked for first, far apart: that is cheaper than a search for all of it."""
_PAGES_PER_STEP = 1
_RUN_STEPS = 8


def has_zeros(data: bytes, start: int, end: int, least: int) -> bool:
    """Whether at least `least` bytes in a row are zero between two positions; `least` is 1 or more."""
    if least > end - start:  # it may come from a file, and so be vast
        return False
    step = max(1, least // _SAMPLES)
    if data[start:end:step].find(bytes(min(_SAMPLES, least))) < 0:
        return False  # a long run has that many samples in it, wherever it begins
    return data.find(bytes(least), start, end) >= 0  # takes linear time, whatever the data are


def has_zeroed_pages(data: bytes, start: int, end: int, work: Work) -> bool:
    """Whether a run of zeros between two positions fills whole pages of the file, or these up to `end`."""
    page = -(-start // PAGE_BYTES) * PAGE_BYTES
    while page < end:
        work.spend(_PAGES_PER_STEP)
        if not data.startswith(_PAGE[: end - page], page):
            page += PAGE_BYTES
            continue
        work.spend(_RUN_STEPS)
        found = _NOT_ZERO.search(data, page, end)
        stop = end if found is None else found.start()
        begins = page > start and data[page - 1] != 0
        if begins and stop - page >= PAGE_BYTES and (stop == end or stop % PAGE_BYTES == 0):
            return True
        page = -(-stop // PAGE_BYTES) * PAGE_BYTES
    return False
