"""The stage of the demo: a real service in a temporary folder, and nothing of it afterwards."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retailpulse.demo.stage import Stage, StageFailed, free_port, is_free, pick_port
from tests.running import wait_for

HOLDS_A_STAGE = """
import sys, time
from retailpulse.demo.stage import Stage
with Stage(int(sys.argv[1])) as stage:
    stage.wait_until_ready()
    print(stage.folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port that somebody holds."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that still have something to do with the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_a_stage_serves_until_it_is_left_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # A database that is set for another service must stay untouched: with it, this one could not start.
    monkeypatch.setenv("RETAILPULSE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/precious")
    with Stage(free_port()) as stage:
        stage.wait_until_ready()
        (stage.photos / "a.jpg").write_bytes(b"photo")
        assert httpx.get(f"{stage.origin_url}/photos/a.jpg", trust_env=False).content == b"photo"
        assert processes_of(stage.folder)
        assert not stage.ended()
    assert not stage.folder.exists()
    assert processes_of(stage.folder) == []


def test_a_stage_whose_process_is_killed_leaves_nothing_either() -> None:
    command = (sys.executable, "-c", HOLDS_A_STAGE, str(free_port()))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        line = process.stdout.readline().decode().strip()
        assert line, "the stage did not come up"
        folder = Path(line)
        assert processes_of(folder)
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not folder.exists())
    wait_for(lambda: not processes_of(folder))


def test_a_service_that_cannot_start_shows_the_end_of_its_log(busy_port: int) -> None:
    with pytest.raises(StageFailed, match=str(busy_port)), Stage(busy_port) as stage:
        stage.wait_until_ready()
    assert not stage.folder.exists()


def test_a_wanted_port_is_taken_as_it_is_and_a_busy_one_is_seen(busy_port: int) -> None:
    assert pick_port(1234) == 1234
    assert not is_free(busy_port)
    assert is_free(free_port())
