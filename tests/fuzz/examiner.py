"""Hands bodies to a process that measures them, and notices when it dies, hangs or leaks.

Weak: memory is judged by the whole process, so a leak must be larger than what allocators keep anyway.
"""

import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.fuzz.damaged import Damaged
from tests.fuzz.examining import LENGTH, Report
from tests.measure.pictures import FLAVOURS

ALLOWANCE_BYTES = 32_000_000
"""What the process may grow by at once: buffers of the largest pictures, kept by the allocator."""
GROWTH_BYTES_PER_1000 = 2_000_000
"""What it may grow by further with every 1,000 bodies."""
_REPORTS = msgspec.msgpack.Decoder(Report)


class Examiner:
    """The process, started when it is needed and again when it died. Use it in a `with`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="retailpulse-fuzz-"))
        self._errors = self._folder / "stderr"
        self._first: Report | None = None
        self._last: Report | None = None
        self._examined = 0

    def examine(self, damaged: Damaged) -> Report:
        """What comes of a body; a process that dies of it is a failure of the test."""
        if self._process is None:
            self._start()
        report = self._ask(damaged.body)
        if report is None:
            raise AssertionError(
                f"{self._death()} measuring {self.saved(damaged)}\n{self._errors.read_text()}"
            )
        self._last = report
        self._examined += 1
        return report

    def saved(self, damaged: Damaged) -> str:
        """Writes the bytes of a case to a file for whoever looks for the fault; names both."""
        path = self._folder / f"{damaged.name}.bin"
        path.write_bytes(damaged.body)
        return f"{damaged}, kept in {path}"

    def check_leaks(self) -> None:
        """Fail where the process holds more than it should after all that it measured."""
        if self._first is None or self._last is None:
            return
        grown = self._last.resident_bytes - self._first.resident_bytes
        allowed = ALLOWANCE_BYTES + GROWTH_BYTES_PER_1000 * self._examined / 1000
        told = f"{grown / 1e6:.1f} MB more after {self._examined:,} bodies, {allowed / 1e6:.1f} allowed"
        assert grown <= allowed, told
        assert self._last.open_files == self._first.open_files

    @property
    def story(self) -> str:
        """How the process fared, in a few words."""
        if self._first is None or self._last is None:
            return "nothing was measured"
        first, last = self._first, self._last
        return (
            f"resident {first.resident_bytes / 1e6:.0f} -> {last.resident_bytes / 1e6:.0f} MB, "
            f"open files {first.open_files} -> {last.open_files} over {self._examined:,} bodies"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._death()
        self._errors.unlink(missing_ok=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _start(self) -> None:
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.examining"],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        # Each decoder is loaded and warm before the memory is looked at.
        for _ in range(3):
            for flavour in FLAVOURS.values():
                self._first = self._ask(flavour.body)
        self._examined = 0

    def _ask(self, body: bytes) -> Report | None:
        assert self._process and self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(LENGTH.pack(len(body)) + body)
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        head = self._process.stdout.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        return _REPORTS.decode(self._process.stdout.read(LENGTH.unpack(head)[0]))

    def _death(self) -> str:
        assert self._process and self._process.stdin and self._process.stdout
        self._process.stdout.close()
        with suppress(BrokenPipeError):  # the part of a body that it did not read any more
            self._process.stdin.close()
        code = self._process.wait()
        self._process = None
        if code == -signal.SIGALRM:
            return "the process hung"
        return f"the process died ({signal.Signals(-code).name if code < 0 else f'exit {code}'})"
