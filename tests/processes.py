"""Finds and watches processes by what Linux says in /proc, so that no test needs `ps` or `pgrep` for it.

Not here: what belongs to a folder (`tests/lifecycle/processes.py`). Weak in that a number may be given anew.
"""

import ctypes
import subprocess
from pathlib import Path

import pytest

PTRACE_SEIZE = 0x4206


def stat(pid: int) -> list[str]:
    """State, parent and more of a process; a state of its own where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["gone", "0"]


def children(parent: int) -> list[int]:
    """The processes that a process has begun and not yet buried, by number."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return sorted(pid for pid in pids if stat(pid)[1] == str(parent))


def environment(pid: int) -> bytes:
    """The environment of a process; empty where it has ended, also where nobody has buried it yet."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
    except PermissionError:
        if stat(pid)[0] in "ZX":  # newer kernels refuse what older ones answer with nothing
            return b""
        raise


def command(pid: int) -> str:
    """The command line of a process, its words parted by spaces; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_gone(pid: int) -> bool:
    """Whether a process has ended, buried or not."""
    return stat(pid)[0] in {"gone", "Z", "X"}


def _may_trace() -> bool:
    """Whether the system lets us look into a process of our own."""
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            return bool(ctypes.CDLL(None).ptrace(PTRACE_SEIZE, other.pid, None, None) == 0)
        finally:
            other.kill()


needs_tracing = pytest.mark.skipif(not _may_trace(), reason="the system lets nobody look into processes here")
