"""How much the database can still grow, as far as this process can know it.

Weak: of a PostgreSQL elsewhere only the capacity that was set is known, nothing of its disk.
"""

import os
from pathlib import Path

from retailpulse.config.settings import DatabaseSettings


def free_bytes(settings: DatabaseSettings, size_bytes: int) -> int | None:
    """What is free on the disk of the embedded database, and up to the capacity; None if neither is known."""
    limits = []
    if settings.capacity_bytes:
        limits.append(max(0, settings.capacity_bytes - size_bytes))
    if not settings.url and (on_disk := _free_on_disk(settings.data_dir)) is not None:
        limits.append(on_disk)
    return min(limits, default=None)


def _free_on_disk(folder: str) -> int | None:
    """What an ordinary user may write there, in bytes; None if the folder cannot be reached."""
    try:
        found = os.statvfs(Path(folder).expanduser())
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
