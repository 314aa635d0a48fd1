"""What figures were taken on and how: the machine, the code, and the command that takes them again."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.scratch_process import CHECKOUT
from retailpulse import __version__


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """What the figures were taken on, and how."""

    taken_at: datetime
    command: str
    code: str
    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    origin: str
    wrk: bool
    connections: int
    runs: int
    seconds: float
    settings: dict[str, str]


def describe_environment(
    *, origin: str, cores: int, connections: int, runs: int, seconds: float, settings: dict[str, str]
) -> Environment:
    """Looks at the machine and the code."""
    return Environment(
        taken_at=datetime.now(UTC).replace(microsecond=0),
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        code=_code(),
        cpu=cpu_model(),
        cores=cores,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
        origin=origin,
        wrk=shutil.which("wrk") is not None,
        connections=connections,
        runs=runs,
        seconds=seconds,
        settings=settings,
    )


def cpu_model() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _code() -> str:
    """The version, and the commit where this is a checkout."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__} ({said})"
