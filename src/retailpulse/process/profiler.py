"""Looks into a running process for some seconds: where its CPU time goes.

py-spy samples stacks from outside, with those of native code and of child processes: decoders are such.
Nothing of this is in a process that nobody looks into. Weak: the process stops for a moment at each sample.
"""

import asyncio
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path

from retailpulse.domain.errors import NotProfiled
from retailpulse.process.program_runs import run_program

SAMPLES_PER_SECOND = 100
START_SECONDS = 60.0
"""How long the profiler may take beside the time that it looks: it reads symbols, and writes a picture."""
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

FORMATS = {".svg": "flamegraph", ".html": "flamegraph", ".json": "speedscope"}
"""What a file may hold, by its suffix: a flame graph, alone or in a page, or data for https://www.speedscope.app."""


async def record(pid: int, seconds: int, suffix: str) -> bytes:
    """What a process does for some seconds, in the form that a suffix names; raises NotProfiled."""
    _check_right(pid)
    with tempfile.TemporaryDirectory(prefix="retailpulse-profile-") as folder:
        file = Path(folder) / "profile"
        await _run_profiler(pid, seconds, FORMATS[suffix], file)
        content = await asyncio.to_thread(_read, file)
    if not content:
        raise NotProfiled(f"process {pid} did nothing that could be seen in {seconds} s")
    return _page(content, f"Process {pid}, {seconds} s") if suffix == ".html" else content


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


async def _run_profiler(pid: int, seconds: int, kind: str, file: Path) -> None:
    """Runs it to its end, or ends it: what it looks into goes on then."""
    arguments = ("--pid", str(pid), "--duration", str(seconds), "--rate", str(SAMPLES_PER_SECOND))
    chosen = ("--format", kind, "--output", str(file), "--subprocesses", "--native")
    most_seconds = seconds + START_SECONDS
    code, said = await run_program(
        _program("py-spy"), "record", *arguments, *chosen, seconds=most_seconds,
        too_slow=f"process {pid} could not be looked into within {most_seconds:g} s",
    )  # fmt: skip
    if code:
        raise NotProfiled(_why(pid, said))


def _page(svg: bytes, title: str) -> bytes:
    """A page with a picture in it, which needs nothing else."""
    begin, end = svg.index(b"<svg"), svg.rindex(b"</svg>") + len(b"</svg>")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><body>'
    return head.encode() + svg[begin:end] + b"</body></html>\n"


def _program(name: str) -> str:
    """A program beside this Python, or on the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise NotProfiled(f"{name} is missing: pip install 'retailpulse[profile]'")
    return found


def _check_right(pid: int) -> None:
    """Raises NotProfiled if there is no such process, or this one may not look into it."""
    try:
        Path(f"/proc/{pid}/mem").open("rb").close()
    except (FileNotFoundError, ProcessLookupError):
        raise NotProfiled(f"there is no process {pid}") from None
    except PermissionError:
        scope = f" (kernel.yama.ptrace_scope is {YAMA.read_text().strip()})" if YAMA.exists() else ""
        raise NotProfiled(
            f"the system lets this user not look into process {pid}{scope}: run this as root, or as its user "
            "where kernel.yama.ptrace_scope is 0; a container needs --cap-add SYS_PTRACE"
        ) from None


def _why(pid: int, said: str) -> str:
    """By the first line that the profiler has written; what follows is about its own code."""
    first = next(filter(None, map(str.strip, said.splitlines())), "no reason was given")
    return f"process {pid} could not be looked into: {first.removeprefix('Error: ')}"
