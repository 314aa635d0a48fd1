"""Keeps the demo's service: runs one command and, when the demo is gone, stops it and removes its folder.

Its own process (`python -m retailpulse.demo.keeper FOLDER COMMAND...`). Standard input is the life line:
it closes when the demo closes it, and also when the demo is killed. Weak: this process may be killed too.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

LOG_NAME = "serve.log"
"""What the command prints, in the folder."""

EXIT_NAME = "serve.exit"
"""Written with the exit code when the command has ended."""

_DRAIN_SECONDS = 40.0  # longer than the service itself takes to drain
_DATABASE_SECONDS = 10.0


def main(folder: Path, command: list[str]) -> None:
    """Run the command until the life line closes, then leave nothing of it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A closing terminal must not take the cleaner first. Not SIG_IGN, which the command would inherit.
        signal.signal(number, lambda *_: None)
    with (folder / LOG_NAME).open("wb") as log:
        service = _start(folder, command, log.fileno())
    threading.Thread(target=_note_end, args=(service, folder), daemon=True).start()
    sys.stdin.buffer.read()
    _stop(service)
    _stop_database(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, command: list[str], log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
    )


def _note_end(service: subprocess.Popen[bytes], folder: Path) -> None:
    code = service.wait()
    with suppress(OSError):  # the folder may be gone already
        (folder / EXIT_NAME).write_text(str(code))


def _stop(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    with suppress(subprocess.TimeoutExpired):
        service.wait(_DRAIN_SECONDS)
    with suppress(ProcessLookupError):  # processes of its session that are still there ignored that
        os.killpg(service.pid, signal.SIGKILL)
    service.wait()


def _stop_database(folder: Path) -> None:
    """End a PostgreSQL that its service left behind in our folder, as after a kill -9 of the service."""
    for pid_file in folder.rglob("postmaster.pid"):
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)
            _wait_until_gone(pid_file)


def _wait_until_gone(pid_file: Path) -> None:
    """PostgreSQL removes the file as the last thing; its process may stay as a zombie."""
    until = time.monotonic() + _DATABASE_SECONDS
    while pid_file.exists() and time.monotonic() < until:
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
