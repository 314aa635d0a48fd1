"""The units for systemd: what they take from the service, and that systemd reads them as they are meant."""

import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVE, WORKER = "retailpulse.service", "retailpulse-worker@.service"
OWN = {"StateDirectory", "StateDirectoryMode", "EnvironmentFile", "ExecStart"}
OWN |= {"MemoryMax", "TasksMax", "WatchdogSec"}


def settings(unit: str) -> list[tuple[str, str]]:
    lines = (DEPLOY / unit).read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines()
    return [(name, value) for name, is_set, value in (line.partition("=") for line in lines) if is_set]


def test_both_units_take_the_same_from_the_service() -> None:
    serve, worker = ({one for one in settings(unit) if one[0] not in OWN} for unit in (SERVE, WORKER))
    assert serve == worker


@pytest.mark.parametrize("unit", [SERVE, WORKER])
def test_decoders_may_still_confine_themselves(unit: str) -> None:
    allowed = [value for name, value in settings(unit) if name == "SystemCallFilter"][-1]
    assert not allowed.startswith("~")
    calls = {"capset", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    assert set(allowed.split()) == calls


@pytest.mark.parametrize("unit", [SERVE, WORKER])
def test_systemd_finds_little_that_the_service_could_do_to_the_machine(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", [SERVE, WORKER])
def test_systemd_knows_every_line(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    text = (DEPLOY / unit).read_text().replace("/opt/retailpulse/.venv/bin/retailpulse", "/bin/true")
    file = tmp_path / unit.replace("@", "@1")
    file.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if file.name in line]
    assert (done.returncode, complaints) == (0, []), done.stderr
