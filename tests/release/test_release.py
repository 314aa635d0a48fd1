"""A release: the same commit gives the same files, and the wheel in it is the one whose service is tested."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import release
from tools.release import NotReleasable, locked, section_of

from retailpulse import __version__
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.running import RunningService, clean_environment
from tests.storage.servers import folder

__all__ = ["folder"]

ROOT = Path(__file__).parents[2]
SLOW = [pytest.mark.slow, pytest.mark.timeout(300)]
CHANGED = f"# Changelog\n\n## Unreleased\n\n## {__version__} - 2026-11-30\n\n### Added\n- All.\n"
BY = ("-c", "user.name=Releaser", "-c", "user.email=releaser@shop.example")


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_release(clone: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/release.py", str(target)]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files as they are now, committed in a repository of their own, with a changelog."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs the repository and git: apt-get install git")
    made = tmp_path_factory.mktemp("release") / "clone"
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, made / name)
    (made / "CHANGELOG.md").write_text(CHANGED)
    git(made, "init", "--quiet")
    git(made, "add", "--all")
    git(made, *BY, "commit", "--quiet", "--message", "All")
    return made


@pytest.fixture(scope="module")
def released(clone: Path) -> Path:
    """A folder with everything that is released."""
    target = clone.parent / "first"
    done = run_release(clone, target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def installed(released: Path) -> Iterator[Path]:
    """The Python of an environment with the wheel, and its dependencies from the environment of the tests."""
    made = released.parent / "venv"
    venv.create(made, with_pip=False)
    python = made / "bin" / "python"
    (wheel,) = released.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    here = next(path for path in sys.path if path.endswith("site-packages"))
    # Files that name other folders are not read there, so that the sources of this repository stay out.
    next((made / "lib").iterdir()).joinpath("site-packages", "tests.pth").write_text(f"{here}\n")
    yield python
    shutil.rmtree(made)


def test_the_version_stands_in_one_place() -> None:
    assert release.version() == __version__
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
    for name, pattern in (
        ("Dockerfile", r"^ARG VERSION=(.+)$"),
        ("README.md", r"dist/retailpulse-([\d.]+)-py3-none-any"),
        ("deploy/kubernetes/retailpulse.yaml", r"image: \S+/retailpulse:(\S+)$"),
    ):
        found = re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE)
        assert set(found) == {__version__}, name


def test_the_notes_are_what_the_changelog_says_of_the_version() -> None:
    assert section_of(CHANGED, __version__) == "### Added\n- All."
    older = f"{CHANGED}\n## 0.0.9 - 2026-10-01\n- Some.\n"
    assert section_of(older, "0.0.9") == "- Some."


@pytest.mark.parametrize(
    ("changelog", "why"),
    [
        ("# Changelog\n\n## Unreleased\n- New.\n\n## 1.0.0 - 2026-11-30\n- Old.\n", "unreleased changes"),
        ("# Changelog\n\n## 0.9.0 - 2026-11-30\n- Old.\n", "no section"),
        ("# Changelog\n\n## 1.0.0\n- Undated.\n", "no section"),
        ("# Changelog\n\n## 1.0.0 - 2026-11-30\n\n## 0.9.0 - 2026-11-01\n- Old.\n", "says nothing"),
    ],
)
def test_what_the_changelog_does_not_say_is_not_released(changelog: str, why: str) -> None:
    with pytest.raises(NotReleasable, match=why):
        section_of(changelog, "1.0.0")


class TestReleased:
    """What is made of a commit."""

    pytestmark = SLOW

    def test_the_same_commit_gives_the_same_files(self, clone: Path, released: Path) -> None:
        again = run_release(clone, clone.parent / "second")
        assert again.returncode == 0, again.stderr
        assert again.stdout == (released / "SHA256SUMS").read_text()
        listed = dict(line.split("  ")[::-1] for line in again.stdout.splitlines())
        files = {path.name: path for path in released.iterdir() if path.name != "SHA256SUMS"}
        assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}

    def test_the_wheel_can_be_built_of_the_source_distribution(self, released: Path, tmp_path: Path) -> None:
        archive = released / f"retailpulse-{__version__}.tar.gz"
        with tarfile.open(archive) as opened:
            opened.extractall(tmp_path, filter="data")
        (source,) = tmp_path.iterdir()
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
        subprocess.run(build, cwd=source, check=True, capture_output=True)
        (wheel,), (built,) = released.glob("*.whl"), tmp_path.glob("*.whl")
        assert wheel.name == built.name == f"retailpulse-{__version__}-py3-none-any.whl"

    def test_the_site_of_the_documents_is_one_folder(self, released: Path) -> None:
        name = f"retailpulse-{__version__}-site"
        with tarfile.open(released / f"{name}.tar.gz") as opened:
            files = opened.getnames()
        assert {f"{name}/index.html", f"{name}/how-to/nginx.html", f"{name}/searchindex.js"} <= set(files)
        assert {file.partition("/")[0] for file in files} == {name}

    def test_the_bill_and_the_licences_name_every_package_of_the_lock(self, released: Path) -> None:
        bill = json.loads((released / f"retailpulse-{__version__}.cdx.json").read_text())
        assert bill["bomFormat"] == "CycloneDX"
        assert {part["name"]: part["version"] for part in bill["components"]} == locked()
        assert bill["metadata"]["component"]["name"] == "retailpulse"
        lines = [line.split("\t") for line in (released / "LICENCES.tsv").read_text().splitlines()]
        assert {name: number for name, number, _ in lines} == locked()
        assert [name for name, _, licence in lines if licence == "not named"] == []
        assert {name: licence for name, _, licence in lines}["litestar"] == "MIT License"

    def test_what_is_not_committed_is_not_released(self, clone: Path) -> None:
        (clone / "new.txt").write_text("new")
        try:
            done = run_release(clone, clone.parent / "dirty")
        finally:
            (clone / "new.txt").unlink()
        assert (done.returncode, done.stdout) == (1, "")
        assert "not everything is committed" in done.stderr

    def test_the_wheel_runs_the_whole_service(self, installed: Path, folder: Path) -> None:
        where = "import retailpulse; print(retailpulse.__file__, retailpulse.__version__)"
        found = subprocess.run(
            [installed, "-c", where],
            cwd=folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        path, number = found.stdout.split()
        assert Path(path).is_relative_to(installed.parents[1])
        assert number == __version__
        running = RunningService(folder, python=str(installed)).wait_until_ready()
        try:
            running.http.put("/api/v1/stores", content="AreaCode,StoreName,StoreID\n1,A,RP00001\n")
            with Origin() as origin:
                photo = origin.serve("/photo.png", Reply(body=saved("PNG", picture(16, 16))))
                visit = {"store_id": "RP00001", "image_url": [photo], "visit_time": "2026-11-20T10:00:00Z"}
                job_id = running.submit([visit])
                assert running.finished(job_id)["images"]["measured"] == 1
            for page in ("/", f"/jobs/{job_id}", "/docs", "/openapi.json", "/metrics", "/health/ready"):
                answer = running.http.get(page, follow_redirects=True)
                assert answer.status_code == 200, page
            for kind in ("csv", "xlsx", "parquet"):
                answer = running.http.get(f"/api/v1/jobs/{job_id}/results", params={"format": kind})
                assert answer.status_code == 200, answer.text
        finally:
            assert running.stop() == 0
