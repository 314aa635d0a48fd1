"""From the version before, made of an earlier commit, to this one and back, with jobs under way."""

import io
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.jobs import photo, visit
from tests.conftest import STORES
from tests.origin import Origin, Reply
from tests.running import RunningService, clean_environment, wait_for
from tests.storage.servers import folder

__all__ = ["folder"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]
MIGRATIONS = "src/retailpulse/storage/migrations/versions"
IMAGES, HELD = 200, 100


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def migrations(commit: str) -> list[str]:
    names = git("ls-tree", "--name-only", f"{commit}:{MIGRATIONS}").decode().split()
    return [name for name in names if name[0].isdigit()]


def version_before() -> str:
    """The newest commit whose tables are those of today before the last migrations."""
    today = sorted(path.name for path in (ROOT / MIGRATIONS).glob("[0-9]*.py"))
    for commit in git("log", "--format=%H", "--", MIGRATIONS).decode().split():
        known = migrations(commit)
        if len(known) < len(today) and known == today[: len(known)]:
            return commit
    pytest.skip("needs the history of the repository: git fetch --unshallow")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of that commit, unpacked where a program can be run from it."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs the repository and git: apt-get install git")
    commit = version_before()
    sources, target = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(sources, filter="data")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    making = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(sources), str(sources)]
    subprocess.run(making, check=True)
    (wheel,) = sources.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    shutil.rmtree(sources)
    target.chmod(0o755)
    target.parent.chmod(0o755)
    return target


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as made:
        yield made


def environment(program: Path | None) -> dict[str, str]:
    """What runs that program in place of the one of this repository."""
    return {} if program is None else {"PYTHONPATH": str(program)}


@contextmanager
def running(folder: Path, program: Path | None = None) -> Iterator[RunningService]:
    """A service on the same data; it must stop cleanly."""
    service = RunningService(folder / "service", environment=environment(program), workers=2)
    try:
        yield service.wait_until_ready()
    except BaseException:
        service.stop()
        raise
    assert service.stop() == 0, service.log()


def run(program: Path | None, *arguments: str, code: int = 0) -> str:
    """What a command says that must end with this code."""
    command = [sys.executable, "-m", "retailpulse", *arguments]
    using = {**clean_environment(), **environment(program)}
    done = subprocess.run(command, env=using, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def submit(service: RunningService, origin: Origin, name: str, may_end: threading.Event | None = None) -> str:
    """A job of which a part is held back until it may end."""
    urls = [
        origin.serve(f"/{name}/{n}.png", Reply(body=photo(8, 8), before=may_end if n >= HELD else None))
        for n in range(IMAGES)
    ]
    return service.submit([visit("RP00001", *urls)])


def under_way(service: RunningService, job_id: str) -> bool:
    return 0 < int(service.job(job_id)["images"]["settled"]) < IMAGES


def check_whole(service: RunningService, *jobs: str) -> None:
    """Each job has each of its results, once, and the database agrees with itself."""
    for job_id in jobs:
        assert service.finished(job_id)["images"]["measured"] == IMAGES
        assert sorted(one["image_no"] for one in service.results(job_id)) == list(range(1, IMAGES + 1))


def test_nothing_is_lost_by_an_upgrade_under_load_nor_by_the_way_back(
    before: Path, folder: Path, origin: Origin
) -> None:
    may_end, dump = threading.Event(), folder / "before.backup"
    with running(folder, before) as old:
        old.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        ended = submit(old, origin, "ended")
        check_whole(old, ended)
        open_job = submit(old, origin, "open", may_end)
        wait_for(lambda: under_way(old, open_job))
        run(before, "backup", str(dump), f"--data-dir={old.data_dir}")
    with running(folder) as new:
        assert new.job(open_job)["status"] == "ongoing"
        added = submit(new, origin, "added", may_end)
        may_end.set()
        check_whole(new, ended, open_job, added)
        run(None, "check", f"--data-dir={new.data_dir}")
    assert "newer" in run(before, "migrate", f"--data-dir={new.data_dir}", code=1)
    run(before, "restore", "--replace", str(dump), f"--data-dir={new.data_dir}")
    with running(folder, before) as back:
        check_whole(back, ended, open_job)
        assert back.http.get(f"/api/v1/jobs/{added}").status_code == 404
