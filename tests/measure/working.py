"""Counting the work of readers by the lines of Python that they run, which none can forget to count."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from retailpulse.domain.errors import ImageError
from retailpulse.measure import Work, measure_pieces, read_header
from retailpulse.measure.formats import work as module

from .pictures import LIMIT

ROOM = str(Path(module.__file__).parent)
LINES_PER_STEP = 8
LINES_BESIDE = 2_000
"""What is run once for a file, whatever is in it."""
GIVEN_UP = "corrupt: the file has more parts than any picture needs: reading it was given up"


def allowed_lines(steps: int) -> int:
    """How many lines may be run where so many steps were spent."""
    return LINES_PER_STEP * steps + LINES_BESIDE


def pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 16_384] for start in range(0, len(body), 16_384)]


def look(body: bytes, work: Work) -> None:
    """All that is asked of a file in the event loop: its header, again as it arrives, and its end."""
    for end in (16_384, 65_536, 262_144, 1_048_576, len(body)):
        if read_header(body[:end], LIMIT, work) is not None:
            break
    measure_pieces(pieces(body), hashlib.sha256().hexdigest(), LIMIT, work)


def cause_of(act: Callable[[], object]) -> str:
    try:
        act()
    except ImageError as error:
        return str(error)
    return "measured"


def lines_run(act: Callable[[], object]) -> int:
    """How many lines of the readers are run by it."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return lines
