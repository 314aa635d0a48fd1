"""Four workers that were started by hand, as on four machines: what a host sees of them together.

The service itself runs without workers. Weak: all of them are on one machine, so that no clock differs.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench import accounting
from bench.case_runner import Bench
from bench.figures import Figure, Target, at_most
from bench.scheduling.scheduling_env import CAP, Stage, staged
from bench.scratch_process import ScratchProcess
from retailpulse.storage.postgres.embedded import EmbeddedServer

CASE = "fleet"
NAME = "scheduling-fleet"
WORKERS, LATENCY_MS = 4, 200
FEW_HOSTS, MANY_HOSTS, IMAGES_PER_HOST, IMAGES_PER_FEW = 6, 2_100, 4, 3_000
CRASH_MS, CRASH_IMAGES = 1_000, 2_000
_JOIN_SECONDS, _WATCH_SECONDS, _BACK_SECONDS = 60.0, 12.0, 60.0


def measure(bench: Bench) -> list[Figure]:
    """With one host, with six, with a job of thousands of hosts beside, and with one worker killed."""
    few = range(FEW_HOSTS)
    many = range(FEW_HOSTS, MANY_HOSTS)
    return [
        _most(bench, "1 host", [0], [], at_most(CAP + 1)),
        _most(bench, f"{FEW_HOSTS} hosts", few, [], at_most(CAP + 1)),
        _most(bench, f"{FEW_HOSTS} hosts beside {MANY_HOSTS:,}", few, many, at_most(CAP + 4)),
        *_killed(bench),
    ]


def _most(bench: Bench, what: str, few: Sequence[int], many: Sequence[int], target: Target) -> Figure:
    """The most requests at once that any of the few hosts saw."""
    seen = []
    for number in range(bench.runs):
        bench.show(f"{CASE}, {what}, run {number + 1} of {bench.runs}", number / bench.runs)
        with staged(bench, hosts=len(few) + len(many), workers=0) as stage, _by_hand(stage):
            stage.submit(stage.origin.urls(LATENCY_MS, "few", IMAGES_PER_FEW * len(few), hosts=few))
            if many:
                hosts = [*few, *many]
                stage.submit(stage.origin.urls(LATENCY_MS, "many", IMAGES_PER_HOST * len(hosts), hosts=hosts))
            stage.wait_until(lambda: stage.in_flight() > 0, _JOIN_SECONDS)
            time.sleep(_WATCH_SECONDS)
            counts = stage.origin.counts()
        seen.append(max(counts[host].max_in_flight for host in few))
    return Figure(case=f"{CASE}, {what}", about="most at one host", runs=seen, target=target)


def _killed(bench: Bench) -> list[Figure]:
    """One of the four is killed: until the host has as many requests again as its cap allows."""
    back: list[float] = []
    seen: list[float] = []
    for number in range(bench.runs):
        bench.show(f"{CASE}, one killed, run {number + 1} of {bench.runs}", number / bench.runs)
        with staged(bench, workers=0) as stage, _by_hand(stage) as pids:
            stage.submit(stage.origin.urls(CRASH_MS, "big", CRASH_IMAGES))
            stage.wait_until(lambda: stage.in_flight() >= CAP, _JOIN_SECONDS)
            time.sleep(_WATCH_SECONDS / 4)
            os.kill(_busiest(stage, pids), signal.SIGKILL)
            killed_at = time.monotonic()
            stage.wait_until(lambda: stage.in_flight() < CAP, 1.0)
            stage.wait_until(lambda: stage.in_flight() >= CAP, _BACK_SECONDS)
            back.append(time.monotonic() - killed_at)
            seen.append(stage.origin.count().max_in_flight)
    case = f"{CASE}, one of {WORKERS} killed"
    return [
        Figure(case=case, about="until full again", runs=back, unit="s"),
        Figure(case=case, about="most at the host", runs=seen, target=at_most(CAP + 1)),
    ]


def _busiest(stage: Stage, pids: Sequence[int]) -> int:
    """The worker with the most connections to the origin."""
    return max(pids, key=lambda pid: _connections(pid, stage.origin.port))


def _connections(pid: int, port: int) -> int:
    """How many sockets of a process lead to a port."""
    of_process = Path(f"/proc/{pid}")
    ours = {str(entry.readlink()) for entry in (of_process / "fd").iterdir() if entry.is_symlink()}
    rows = [line.split() for line in (of_process / "net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].rpartition(":")[2], 16) == port and f"socket:[{row[9]}]" in ours for row in rows)


@contextmanager
def _by_hand(stage: Stage) -> Iterator[list[int]]:
    """Starts the workers; gives their processes."""
    url = EmbeddedServer(stage.service.scratch.folder / "data").url()
    allowed = {"RETAILPULSE_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "RETAILPULSE_FETCH_PORTS": "any"}
    with ExitStack() as stack:
        pids = []
        for _ in range(WORKERS):
            kept = stack.enter_context(ScratchProcess("worker"))
            kept.start(
                (sys.executable, "-m", "retailpulse", "worker"), {"RETAILPULSE_DATABASE_URL": url, **allowed}
            )
            stage.wait_until(partial(_is_there, kept), _JOIN_SECONDS)
            pids += _worker_of(kept)
        yield pids


def _is_there(kept: ScratchProcess) -> bool:
    return bool(_worker_of(kept))


def _worker_of(kept: ScratchProcess) -> list[int]:
    descendants = accounting.with_descendants(kept.keeper_pid)[1:]
    return [pid for pid in descendants if " retailpulse worker" in accounting.command_line(pid)]
