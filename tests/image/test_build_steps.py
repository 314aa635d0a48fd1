"""The build steps of the image, done word for word in a folder: the service runs from what comes of them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.image.recipe import Stage, do, placed, stages
from tests.image.size import MOST_BYTES, parts, size_of
from tests.running import clean_environment, free_port, wait_for
from tests.storage.servers import folder

__all__ = ["folder"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which all stages but the last are done."""
    made = Path(tmp_path_factory.mktemp("image"))
    for above in (made, made.parent):
        above.chmod(0o755)
    try:
        for stage in stages()[:-1]:
            do(stage, made)
    except ConnectionError as error:
        pytest.skip(str(error))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def environment(final: Stage, built: Path, data: Path, port: int) -> dict[str, str]:
    """What the image sets, with its places in the folder, and a port and data of this test."""
    given = {name: placed(value, built) for name, value in final.environment().items()}
    given["PATH"] = given["PATH"].replace("$PATH", os.environ["PATH"])
    given |= {"RETAILPULSE_DATABASE_DATA_DIR": str(data), "RETAILPULSE_API_PORT": str(port)}
    return {**clean_environment(), **given, "RETAILPULSE_API_ALLOW_ANONYMOUS": "true"}


def entrypoint(final: Stage) -> list[str]:
    """What the container runs; without the first process where this machine has no such program."""
    command = [*final.command("ENTRYPOINT"), *final.command("CMD")]
    return command if shutil.which(command[0]) else command[2:]


def test_the_whole_image_is_small(built: Path, tmp_path: Path) -> None:
    """Sizes are those of the files, not of the blocks that a disk gives them."""
    try:
        found = parts(built, tmp_path / "system")
    except ConnectionError as error:
        pytest.skip(str(error))
    assert all(size_bytes > 10_000_000 for size_bytes in found.values())
    assert sum(found.values()) < MOST_BYTES, found


def test_the_environment_is_small(built: Path) -> None:
    assert size_of(built / "opt/retailpulse") < 290_000_000


def test_the_service_runs_from_what_was_built_and_says_how_it_does(built: Path, folder: Path) -> None:
    final, port = stages()[-1], free_port()
    environ = environment(final, built, folder / "data", port)
    health = final.command("HEALTHCHECK")

    def is_healthy() -> bool:
        return subprocess.run(health, env=environ, check=False, capture_output=True).returncode == 0

    assert shutil.which("retailpulse", path=environ["PATH"]) == str(built / "opt/retailpulse/bin/retailpulse")
    assert not is_healthy()
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(entrypoint(final), env=environ, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(is_healthy)
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30)
        assert "retailpulse_build_info" in told.text
    finally:
        running.terminate()
        assert running.wait(60) == 0, (folder / "log").read_text()
    assert not is_healthy()


def test_what_was_built_is_whole_and_cannot_be_added_to(built: Path) -> None:
    python = built / "opt/retailpulse/bin/python"

    def answer(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-I", *arguments], check=False, capture_output=True, text=True, cwd="/"
        )

    assert answer("-m", "pip", "--version").returncode != 0
    where = answer("-c", "import retailpulse; print(retailpulse.__file__)").stdout.strip()
    assert Path(where).is_relative_to(built / "opt/retailpulse")
    wheels = [path.name for path in (built / "dist").iterdir()]
    assert [name.endswith("-py3-none-any.whl") for name in wheels] == [True]
