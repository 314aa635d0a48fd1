"""What processes cost, as Linux counts it: CPU time, bytes written, memory, by kind of process.

Weak: CPU is counted in ticks of 10 ms, so a run should last seconds; memory is sampled, so a short peak
between two looks is missed.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.sampler import Sampler

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS = 0.5

Kinds = Mapping[str, list[int]]
"""Processes by kind: api, worker, postgres, ..."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stat:
    """What /proc/PID/stat says; `reaped_seconds` is the CPU time of children that ended."""

    parent: int
    cpu_seconds: float
    reaped_seconds: float


def read_stats() -> dict[int, Stat]:
    """The stat of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        fields = text.rpartition(")")[2].split()
        user, system, reaped_user, reaped_system = map(int, fields[11:15])
        found[int(entry.name)] = Stat(
            parent=int(fields[1]),
            cpu_seconds=(user + system) / _TICKS_PER_SECOND,
            reaped_seconds=(reaped_user + reaped_system) / _TICKS_PER_SECOND,
        )
    return found


def with_descendants(root: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for pid, stat in read_stats().items():
        children.setdefault(stat.parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def command_line(pid: int) -> str:
    """The command of a process, or nothing where it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def cpu_seconds(kinds: Kinds) -> dict[str, float]:
    """CPU time by kind so far, with that of children that have ended."""
    stats = read_stats()
    known = {kind: [stats[pid] for pid in pids if pid in stats] for kind, pids in kinds.items()}
    return {
        kind: sum(stat.cpu_seconds + stat.reaped_seconds for stat in some) for kind, some in known.items()
    }


def machine_cpu_seconds() -> float:
    """CPU time that our cores have spent, whoever used them, or lost to other machines on the same metal."""
    ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in ours:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            total += user + nice + system + irq + softirq + steal
    return total / _TICKS_PER_SECOND


def bytes_written(pids: Iterable[int]) -> int | None:
    """Bytes that processes wrote to files and sockets so far, or None where the kernel does not say."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        except OSError:
            return None
        total += next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))
    return total


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: memory with what is shared divided among those who share it."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1_024 for line in lines if line.startswith("Pss:"))
    return total


class PeakMemory(Sampler):
    """Samples the memory of processes while its context lasts; `peak_bytes` is the most that was seen.

    Who they are is asked anew each time: some end, and others are started in their place.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], *, look_seconds: float = _LOOK_SECONDS) -> None:
        super().__init__(look_seconds)
        self._pids = pids
        self.peak_bytes = 0

    def sample(self) -> None:
        """Adds up what they have now."""
        self.peak_bytes = max(self.peak_bytes, pss_bytes(self._pids()))
