"""How much the database can still grow, as far as this process can know it.

Weak: of a PostgreSQL elsewhere only the capacity that was set is known, nothing of its disk.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeSpace:
    """What limits a database: its capacity in bytes if that is not 0, and the disk of its folder."""

    capacity_bytes: int = 0
    folder: Path | None = None

    def left_bytes(self, size_bytes: int) -> int | None:
        """What a database of this size can grow by, in bytes; None if no limit is known."""
        limits = []
        if self.capacity_bytes:
            limits.append(max(0, self.capacity_bytes - size_bytes))
        if self.folder is not None and (on_disk := _free_on_disk(self.folder)) is not None:
            limits.append(on_disk)
        return min(limits, default=None)


def _free_on_disk(folder: Path) -> int | None:
    """What an ordinary user may write there, in bytes; None if the folder cannot be reached."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
