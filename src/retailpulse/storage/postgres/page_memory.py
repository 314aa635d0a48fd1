"""How much memory the embedded server keeps pages of tables and indexes in (`shared_buffers`).

It is taken as pages are read, so that a small database takes little of it, whatever the limit is.
"""

import os
from contextlib import suppress
from pathlib import Path

LEAST_MB, MOST_MB = 64, 512
SHARE = 16
"""Of the memory that the machine or its container has, one part of so many."""
_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Of the container, by cgroup v2: bytes, or "max"."""


def page_memory_mb(limit: Path = _LIMIT) -> int:
    """Megabytes: as many as a million hashes of photos and their indexes need, if the memory is there."""
    bytes_there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # there is no container, or no limit
        bytes_there = min(bytes_there, int(limit.read_text()))
    return max(LEAST_MB, min(bytes_there // SHARE // 2**20, MOST_MB))
