"""Watches the processes of the soak from outside, once a second: what they hold open, and what they leave.

Weak: shared memory is told by the postmasters that were seen; one that lived under a second may be missed.
"""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.soak.stage import Stage

LOOK_SECONDS = 1.0
WINDOW_SECONDS = 60.0
DESCRIPTORS_MARGIN = 40
"""How many more a process may hold in its last minute, beside connections over TCP: those come and go, and
libcurl keeps no more than it is told to."""
_SHARED = re.compile(r"/dev/shm/(PostgreSQL\.\d+)")


class Watch:
    """Looks until it is closed and keeps the stage going; what was seen may be asked afterwards."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch")
        self._descriptors: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._shared: set[str] = set()
        self._postmasters: set[int] = set()
        self._segments_before = {shmid for shmid, _ in _segments()}  # of postmasters of the same numbers

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def close(self) -> None:
        """Ends the looking."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look_on(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._stage.keep()
            now = time.monotonic()
            for command in ("serve", "api", "worker"):
                for pid in self._stage.pids(command):
                    with suppress(OSError):
                        count = len(_held(pid))
                        self._descriptors[f"{command} {pid}"].append((now, count))
            for pid in self._stage.postgres()[:1]:
                self._postmasters.add(pid)
                with suppress(OSError):
                    self._shared.update(_SHARED.findall(Path(f"/proc/{pid}/maps").read_text()))

    def grown(self) -> list[str]:
        """Processes that held clearly more open in their last minute than in their first."""
        found = []
        for name, seen in self._descriptors.items():
            born, died = seen[0][0], seen[-1][0]
            if died - born < 2 * WINDOW_SECONDS:
                continue
            first = max(count for at, count in seen if at <= born + WINDOW_SECONDS)
            last = max(count for at, count in seen if at >= died - WINDOW_SECONDS)
            if last > first + DESCRIPTORS_MARGIN:
                found.append(f"{name} held {first} descriptors at first and {last} at last")
        return found

    def left_behind(self) -> list[str]:
        """What is still there once everything has stopped: processes, shared memory, temporary files."""
        found = [f"process {pid} still runs: {text[:100]}" for pid, text in self._stage.remains().items()]
        found += [f"/dev/shm/{name} is left" for name in self._shared if Path("/dev/shm", name).exists()]
        found += [f"temporary {path.name} is left" for path in self._stage.temporary.iterdir()]
        found += [
            f"shared memory segment {shmid} of postmaster {creator} is left"
            for shmid, creator in _segments()
            if creator in self._postmasters and shmid not in self._segments_before
        ]
        half_made = self._stage.data_dir.glob("postgres.new-*")
        return found + [f"{path.name} is left in the data directory" for path in half_made]


def _segments() -> Iterator[tuple[int, int]]:
    """The System V segments of this machine: their ids and the processes that made them."""
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        _, shmid, _, _, creator, *_ = line.split()
        yield int(shmid), int(creator)


def _held(pid: int) -> list[str]:
    """What a process holds open, without its connections over TCP; those that are shut stand in no table."""
    lines = Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]
    local = {f"socket:[{line.split()[6]}]" for line in lines}
    held = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held.append(str(descriptor.readlink()))
    return [name for name in held if name in local or not name.startswith("socket:")]
