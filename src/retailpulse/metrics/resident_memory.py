"""The memory of this process."""

import resource
from pathlib import Path


def resident_bytes() -> int:
    """The memory of this process that is no file, or 0 where the kernel does not say."""
    try:
        _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    except OSError:
        return 0
    return (resident - shared) * resource.getpagesize()
