"""`retailpulse demo`, whole, as a person runs it: what it says, its exit codes, and what it leaves behind."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from retailpulse.demo.stage import free_port
from tests.demo.test_stage import processes_of
from tests.running import clean_environment, wait_for

PATH = "/usr/local/bin:/usr/bin:/bin"


def demo(output: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "retailpulse", "demo", "--port", str(free_port()), *arguments)
    with output.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=output.parent,
            env=clean_environment() | {"PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def folder_of(said: str) -> Path:
    found = re.search(r"Everything happens in (\S+)", said)
    assert found, said
    return Path(found[1])


def typed(line: str, folder: Path) -> tuple[int, str]:
    """What a printed line does in a shell that knows no environment: its exit code, and what it says."""
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env={"PATH": PATH}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_demo_finds_every_number_right_and_leaves_nothing(tmp_path: Path) -> None:
    output = tmp_path / "said"
    code = demo(output, "--images", "60", "--exit").wait(110)
    said = output.read_text()
    assert code == 0, said
    assert "All as it has to be: 55 perimeters right, 5 failures named" in said
    for cause in ("store_id_not_found", "http_status", "truncated", "unsupported_format"):
        assert cause in said
    for file_format in ("jpeg", "png", "webp", "avif", "heic"):
        assert re.search(rf"\b{file_format}\b", said), said
    assert "://" not in said
    assert not folder_of(said).exists()
    assert processes_of(folder_of(said)) == []


@pytest.fixture
def going_on(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo without --exit that has shown all it has and goes on."""
    output = tmp_path / "said"
    process = demo(output, "--images", "20")
    wait_for(lambda: "Ctrl-C stops it" in output.read_text() or process.poll() is not None, 110)
    yield process
    process.terminate()
    process.wait(60)


@pytest.mark.slow
def test_the_demo_goes_on_until_ctrl_c_and_its_commands_work_as_printed(
    tmp_path: Path, going_on: subprocess.Popen[bytes]
) -> None:
    said = (tmp_path / "said").read_text()
    assert going_on.poll() is None, said
    commands = said.partition("Go on in another terminal:")[2].partition("Dashboard:")[0]
    lines = [line.strip() for line in commands.splitlines()]
    answers = {line: typed(line, tmp_path) for line in lines if "http://" in line}
    assert len(answers) == 4 + (6 if shutil.which("curl", path=PATH) else 0)
    for line, (code, answer) in answers.items():
        assert code == (1 if " status " in line else 0), f"{line}: {answer}"
        assert '{"error"' not in answer
        assert answer or " results " in line, line
    assert (tmp_path / "results.csv").read_text().count("\n") == 21
    going_on.send_signal(signal.SIGINT)
    assert going_on.wait(60) == 0
    assert not folder_of(said).exists()
    assert processes_of(folder_of(said)) == []


@pytest.mark.slow
def test_the_demo_ends_with_the_dashboard_and_the_job_on_it_with_its_bad_photos(
    tmp_path: Path, going_on: subprocess.Popen[bytes]
) -> None:
    said = (tmp_path / "said").read_text()
    assert going_on.poll() is None, said
    home, job, queue = re.findall(r"http://\S+", said.partition("Dashboard:")[2])
    flagged = re.search(r"this job, in which (\d+) photos are flagged", said)
    assert flagged, said
    assert int(flagged[1]) >= 9

    def page(address: str) -> str:
        return httpx.get(address, headers={"Accept": "text/html"}).raise_for_status().text

    assert urlsplit(job).path in page(home)
    shown = page(job)
    for flag in ("copy", "blurred", "dark", "blank", "overexposed", "time_mismatch", "far_from_store"):
        assert f"{urlsplit(job).path}?flag={flag}" in shown
    assert page(f"{job}?only=flagged").count('class="tile"') == int(flagged[1])
    assert "Review" in page(queue)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_halfway_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    output = tmp_path / "said"
    process = demo(output)
    wait_for(lambda: "Everything happens in" in output.read_text())
    folder = folder_of(output.read_text())
    wait_for(lambda: any((folder / "photos").iterdir()))
    process.send_signal(number)
    assert process.wait(60) == code
    assert "Traceback" not in output.read_text()
    assert not folder.exists()
    assert processes_of(folder) == []


def test_a_port_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        process = demo(tmp_path / "said", "--port", port)
        assert process.wait(30) == 2
    assert f"port {port} of 127.0.0.1 is taken" in " ".join((tmp_path / "said").read_text().split())
