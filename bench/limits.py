"""What the machine can do at most: wrk against the same origin, and bare decoding.

Everything runs on the cores that the service has, with as many connections as it opens. Where wrk is not
installed, a bare libcurl loop stands in for it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from bench.cases import BenchFailed, Case
from bench.scratch_process import clean_environment

_PATIENCE_SECONDS = 30.0
_WRK_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_WRK_TROUBLE = re.compile(r"Socket errors:.*|Non-2xx or 3xx responses:.*")


def fetch_tool() -> str:
    """What the limit of fetching is taken with."""
    return "wrk" if shutil.which("wrk") else "libcurl loop"


def fetch_limit(case: Case, url: str, *, connections: int, processes: int, seconds: float) -> float:
    """Fetches per second of one URL, as the case fetches it, with nothing done to what arrives."""
    if shutil.which("wrk"):
        return _wrk(url, case.byte_range, connections, processes, seconds)
    share = str(max(1, connections // processes))
    return _run_loops(["fetch", url, case.byte_range or "", share, str(seconds)], processes)


def read_rate(url: str, *, connections: int, seconds: float) -> float | None:
    """Answers per second to one URL over several connections; None where wrk is not installed."""
    return _wrk(url, None, connections, 1, seconds) if shutil.which("wrk") else None


def decode_limit(path: Path, *, processes: int, seconds: float) -> float:
    """Decodes per second of one file from memory, in as many processes as there are cores."""
    return _run_loops(["decode", str(path), str(seconds)], processes)


def _wrk(url: str, byte_range: str | None, connections: int, threads: int, seconds: float) -> float:
    header = ["-H", f"Range: bytes={byte_range}"] if byte_range else []
    # wrk takes whole seconds, and at least as many connections as threads.
    command = ["wrk", f"-t{threads}", f"-c{max(connections, threads)}", f"-d{max(1, round(seconds))}s"]
    with _started([*command, *header, url]) as child:
        said, complaint = child.communicate(timeout=seconds + _PATIENCE_SECONDS)
    trouble, rate = _WRK_TROUBLE.search(said), _WRK_RATE.search(said)
    if trouble or rate is None:
        raise BenchFailed(f"wrk failed: {trouble[0] if trouble else complaint or said}")
    return float(rate[1])


def _run_loops(arguments: list[str], processes: int) -> float:
    """Runs a loop in several processes, all from the same moment on; their rates together."""
    command = [sys.executable, "-m", "bench.bare_loop", *arguments]
    with ExitStack() as stack:
        loops = [stack.enter_context(_started(command)) for _ in range(processes)]
        for loop in loops:
            _read_line(loop)
        for loop in loops:
            _pipe(loop.stdin).write("go\n")
            _pipe(loop.stdin).flush()
        counts = [_read_line(loop).split() for loop in loops]
    return sum(int(done) / float(elapsed) for done, elapsed in counts)


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Runs a command that ends by itself in a few seconds, and is killed where we cannot wait for it."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
        start_new_session=True,
    )
    with child:
        try:
            yield child
        finally:
            child.kill()


def _read_line(loop: subprocess.Popen[str]) -> str:
    line = _pipe(loop.stdout).readline()
    if not line:
        raise BenchFailed(f"a limit loop failed: {_pipe(loop.stderr).read().strip()}")
    return line


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
