"""Makes and reads the ids of jobs."""

import os
import time
from datetime import datetime
from uuid import UUID


def new_job_id() -> UUID:
    """A UUIDv7: ids of later jobs sort after those of earlier ones, to the millisecond (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)  # variant


def first_job_id(since: datetime) -> UUID:
    """An id that sorts before those of all jobs of that instant or later; the time zone must be known."""
    milliseconds = max(int(since.timestamp() * 1000), 0)
    return UUID(int=(milliseconds & (1 << 48) - 1) << 80)


def parse_job_id(text: str) -> UUID | None:
    """The id that a text spells, or None if it is no id."""
    try:
        job_id = UUID(text)
    except ValueError:
        return None
    return job_id if str(job_id) == text.lower() else None
