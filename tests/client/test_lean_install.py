"""The base install: the wheel that is built, with nothing but its base dependencies, has client and commands.

What it depends on is taken from this environment, so that the test asks no package index.
"""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.running import RunningService, clean_environment

ROOT = Path(__file__).parents[2]
SERVER_ALONE = {"litestar", "psycopg", "granian", "pycurl", "pillow", "sqlalchemy"}


def needed(project: Distribution, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
    """What a distribution requires here, with these of its extras."""
    for text in project.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def closure(project: Distribution) -> dict[str, Distribution]:
    """Everything that a distribution needs, and what that needs."""
    found: dict[str, Distribution] = {}
    waiting = list(needed(project))
    while waiting:
        requirement = waiting.pop()
        if requirement.name.lower() not in found:
            dependency = distribution(requirement.name)
            found[requirement.name.lower()] = dependency
            waiting += needed(dependency, frozenset(requirement.extras))
    return found


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a virtual environment with the wheel and its base dependencies alone."""
    folder = tmp_path_factory.mktemp("lean")
    # A copy, as building writes beside its sources.
    shutil.copytree(ROOT / "src", folder / "source" / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = ["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run([sys.executable, *build], cwd=folder / "source", check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    site = next((folder / "venv" / "lib").iterdir()) / "site-packages"
    install = ["-m", "pip", "--python", str(folder / "venv" / "bin" / "python"), "install", "--no-index"]
    subprocess.run([sys.executable, *install, "--no-deps", str(wheel)], check=True, capture_output=True)
    dependencies = closure(PathDistribution(next(site.glob("retailpulse-*.dist-info"))))
    assert not SERVER_ALONE & dependencies.keys()
    for dependency in dependencies.values():
        copy(dependency, site)
    return folder / "venv" / "bin"


def copy(project: Distribution, site: Path) -> None:
    """Installs the importable files of a distribution of ours into another environment."""
    for file in project.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(str(file.locate())), target)


def run(lean: Path, program: str, *arguments: str, code: int = 0) -> str:
    """What a program of the lean environment prints, both streams in one."""
    done = subprocess.run(
        [lean / program, *arguments],
        env=clean_environment() | {"COLUMNS": "200"},
        cwd=lean,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_the_help_has_all_commands(lean: Path) -> None:
    text = run(lean, "retailpulse", "--help")
    assert all(command in text for command in ("submit", "jobs", "serve", "stats"))
    assert "Run the whole service" in run(lean, "retailpulse", "serve", "--help")


def test_samples_are_printed_without_the_server(lean: Path) -> None:
    assert run(lean, "retailpulse", "sample").startswith("store_id,image_url,visit_time")


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["worker"],
        ["api"],
        ["migrate"],
        ["check"],
        ["demo", "--exit"],
        ["keys", "list"],
        ["callbacks", "secret"],
        ["prune", "--older-than=1d"],
    ],
)
def test_a_command_of_the_server_says_what_to_install(lean: Path, command: list[str]) -> None:
    text = " ".join(run(lean, "retailpulse", *command, code=1).split())
    assert "pip install 'retailpulse[server]'" in text
    assert "Traceback" not in text


def test_the_client_and_its_commands_work(lean: Path, service: RunningService) -> None:
    program = (
        "import sys; from retailpulse.client import Client; client = Client(sys.argv[1]); "
        "visits = [{'store_id': 'RP00001', 'image_url': ['none'], 'visit_time': 'now'}]; "
        "print(client.wait(client.submit(visits, name='lean')).status.value)"
    )
    assert run(lean, "python", "-c", program, service.url) == "failed\n"
    listed = json.loads(run(lean, "retailpulse", "jobs", "list", "--all", "--json", "--url", service.url))
    assert "lean" in {job["name"] for job in listed}
    assert run(lean, "retailpulse", "jobs", "list", "--url", service.url).startswith("JOB")


def test_the_whole_client_is_imported_without_any_part_of_the_server(lean: Path) -> None:
    check = "import sys, retailpulse.client, retailpulse.cli.commands.server; print(*sys.modules, sep='\\n')"
    modules = run(lean, "python", "-c", check).split()
    assert "retailpulse.client.clients" in modules
    assert not [name for name in modules if name.startswith(("retailpulse.storage", "retailpulse.api"))]


def test_processes_of_the_service_load_nothing_that_only_commands_for_people_need() -> None:
    check = (
        "import sys, retailpulse.cli.commands.server; every_one = set(sys.modules); "
        "import retailpulse.cli.first_steps; serve = set(sys.modules); "
        "print('rich.console' in every_one, serve & {'httpx', 'retailpulse.client'} != set())"
    )
    printed = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert printed.stdout == "False False\n"
