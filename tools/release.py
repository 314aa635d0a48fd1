"""Makes what is released: wheel, source distribution, site, bill of materials, licences and checksums.

The same commit gives the same files, byte for byte. Weak: licences are read from the packages that are
installed here, so that one of another platform is named without its licence.
Usage: python tools/release.py FOLDER (`make release` runs it)
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_LOCKED = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


class NotReleasable(Exception):
    """What keeps this commit from being released."""


def version() -> str:
    """The version of the product, from the one place where it stands."""
    (found,) = _VERSION.findall((ROOT / "src" / "retailpulse" / "__init__.py").read_text())
    return str(found)


def section_of(changelog: str, number: str) -> str:
    """What the changelog says of a version; raises NotReleasable if that is nothing, or not all."""
    sections = dict(re.findall(r"^## (\S+).*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE))
    if sections.get("Unreleased", "").strip():
        raise NotReleasable(f"CHANGELOG.md has unreleased changes: put them below `## {number} - YYYY-MM-DD`")
    if not re.search(rf"^## {re.escape(number)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise NotReleasable(f"CHANGELOG.md has no section `## {number} - YYYY-MM-DD`")
    if not sections[number].strip():
        raise NotReleasable(f"CHANGELOG.md says nothing of {number}")
    return str(sections[number].strip())


def commit_time() -> str:
    """When HEAD was committed, in seconds since 1970: the time of every file in what is made."""
    asked = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def check_tree() -> None:
    """Raises NotReleasable if something is not committed."""
    asked = ["git", "status", "--porcelain"]
    done = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True)
    if done.stdout.strip():
        raise NotReleasable(f"not everything is committed:\n{done.stdout}")


def locked() -> dict[str, str]:
    """The packages of the lock, by name, with their versions."""
    return dict(_LOCKED.findall((ROOT / LOCK).read_text()))


def licence_of(package: Distribution) -> str:
    """The licence that a package names: as an expression, or else by its classifiers or its free text."""
    told = package.metadata
    if expressions := told.get_all("License-Expression"):
        return str(expressions[0])
    classifiers = [
        text.rpartition(" :: ")[2] for text in told.get_all("Classifier", []) if text.startswith("License ::")
    ]
    free_text = "".join(told.get_all("License", [])).strip().splitlines()
    return " AND ".join(classifiers) or (free_text[0] if free_text else "not named")


def licences() -> str:
    """A line for each package of the lock: name, version, licence, with tabs between."""
    lines = []
    for name, number in sorted(locked().items()):
        try:
            licence = licence_of(distribution(name))
        except PackageNotFoundError:
            licence = "not installed here"
        lines.append(f"{name}\t{number}\t{licence}\n")
    return "".join(lines)


def build(folder: Path, source: Path = ROOT) -> None:
    """Builds wheel and source distribution of a source tree into a folder."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": commit_time()}
    for target in ("sdist", "wheel"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder]
        subprocess.run(command, cwd=source, env=environment, check=True)


def write_site(folder: Path) -> None:
    """Writes the documents as a site, in one file; raises NotReleasable if they are none."""
    with TemporaryDirectory() as work:
        site = Path(work) / f"retailpulse-{version()}-site"
        command = [sys.executable, "-m", "tools.docsite", str(site), "--pack", commit_time()]
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
            raise NotReleasable("the documents are no site: `make site` says why")
        shutil.copy(f"{site}.tar.gz", folder)


def write_bill(folder: Path) -> None:
    """Writes the bill of materials of what a service runs, by CycloneDX, from the lock."""
    made = ["requirements", LOCK, "--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON"]
    file = str(folder / f"retailpulse-{version()}.cdx.json")
    subprocess.run([sys.executable, "-m", "cyclonedx_py", *made, "-o", file], cwd=ROOT, check=True)


def write_checksums(folder: Path) -> None:
    """Writes SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


def make(folder: Path, notes: str) -> None:
    """Makes everything in a folder, which has to be empty; raises NotReleasable."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotReleasable(f"{folder} is not empty")
    build(folder)
    write_site(folder)
    write_bill(folder)
    (folder / "LICENCES.tsv").write_text(licences())
    (folder / "NOTES.md").write_text(f"{notes}\n")
    write_checksums(folder)


def main() -> int:
    """Checks that HEAD can be released, and makes all of it."""
    folder = Path(sys.argv[1]).absolute()
    try:
        notes = section_of((ROOT / "CHANGELOG.md").read_text(), version())
        check_tree()
        make(folder, notes)
    except NotReleasable as error:
        print(f"No release: {error}", file=sys.stderr)
        return 1
    print((folder / "SHA256SUMS").read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
