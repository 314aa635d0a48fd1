"""The keeper ends its command and removes its folder, also when the one who started it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from retailpulse.demo.keeper import EXIT_NAME, LOG_NAME

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[2], "w").write("drained"), sys.exit(0)))
print("hello", flush=True)
open(sys.argv[1], "w").write(str(os.getpid()))
while True:
    time.sleep(0.05)
"""
PARENT = """
import subprocess, sys, time
command = [sys.executable, "-m", "retailpulse.demo.keeper", *sys.argv[1:]]
child = subprocess.Popen(command, stdin=subprocess.PIPE)
while True:
    time.sleep(0.05)
"""
FORGETFUL = """
import subprocess, sys
subprocess.Popen(sys.argv[1:], start_new_session=True)
"""
DATABASE = """
import os, signal, sys, time
signal.signal(signal.SIGQUIT, lambda *_: (os.unlink(sys.argv[1]), sys.exit(0)))
open(sys.argv[1], "w").write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.05)
"""


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "waited 20 s"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def keeper(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-m", "retailpulse.demo.keeper", str(folder), *command), stdin=subprocess.PIPE
    )


def let_go(process: subprocess.Popen[bytes]) -> int:
    assert process.stdin
    process.stdin.close()
    return process.wait(20)


def test_letting_go_drains_the_command_and_removes_the_folder(tmp_path: Path) -> None:
    folder, pid, drained = tmp_path / "stage", tmp_path / "pid", tmp_path / "drained"
    folder.mkdir()
    process = keeper(folder, sys.executable, "-c", STUBBORN, str(pid), str(drained))
    eventually(lambda: read(pid).isdigit())
    assert (folder / LOG_NAME).read_text() == "hello\n"
    assert let_go(process) == 0
    assert drained.read_text() == "drained"
    assert not is_running(int(pid.read_text()))
    assert not folder.exists()


def test_killing_whoever_started_it_does_the_same(tmp_path: Path) -> None:
    folder, pid, drained = tmp_path / "stage", tmp_path / "pid", tmp_path / "drained"
    folder.mkdir()
    command = (str(folder), sys.executable, "-c", STUBBORN, str(pid), str(drained))
    parent = subprocess.Popen((sys.executable, "-c", PARENT, *command))
    eventually(lambda: read(pid).isdigit())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: not folder.exists())
    assert drained.read_text() == "drained"
    assert not is_running(int(pid.read_text()))


def test_a_command_that_ends_by_itself_leaves_its_log_and_its_exit_code_until_then(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    folder.mkdir()
    process = keeper(folder, sys.executable, "-c", "import sys; sys.exit('no room on the disk')")
    eventually(lambda: read(folder / EXIT_NAME) == "1")
    assert "no room on the disk" in (folder / LOG_NAME).read_text()
    assert let_go(process) == 0
    assert not folder.exists()


def test_a_database_that_the_command_left_behind_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    folder.mkdir()
    pid_file = folder / "postmaster.pid"
    process = keeper(folder, sys.executable, "-c", FORGETFUL, sys.executable, "-c", DATABASE, str(pid_file))
    eventually(lambda: read(pid_file).endswith("\n"))
    pid = int(read(pid_file))
    eventually(lambda: read(folder / EXIT_NAME) == "0")
    assert is_running(pid)
    assert let_go(process) == 0
    assert not folder.exists()
    eventually(lambda: not is_running(pid))


def test_a_command_is_asked_to_stop_before_it_set_a_handler_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    folder.mkdir()
    process = keeper(folder, "sleep", "600")
    eventually((folder / LOG_NAME).exists)
    assert let_go(process) == 0  # within its 20 s; one that inherited "ignore" would take 40
