"""A Python that another user may run, with what this one finds, as ours may lie in somebody's home."""

import os
import subprocess
import sys

import pytest

from tests.running import clean_environment

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

CANDIDATES = (sys.executable, "/usr/bin/python3")


def python_for(user: str | int) -> str:
    """A Python of our version that the user may run, with our packages; skips where there is none."""
    found = next((name for name in CANDIDATES if _runs_as(user, name)), None)
    if found is None:
        pytest.skip(f"no Python of this version that the user {user} may run")
    return found


def environment_for_others() -> dict[str, str]:
    """Lets another Python of the same version find our packages, beside a standard library of its own."""
    packages = [path for path in sys.path if path and not path.startswith(f"{sys.base_prefix}/lib")]
    return clean_environment() | {"PYTHONPATH": os.pathsep.join(packages)}


def _runs_as(user: str | int, python: str) -> bool:
    version = f"sys.version_info[:2] == {tuple(sys.version_info[:2])}"
    try:
        done = subprocess.run(
            [python, "-c", f"import sys, retailpulse.bootstrap.database; assert {version}"],
            user=user,
            extra_groups=[],
            cwd="/",
            env=environment_for_others(),
            check=False,
            capture_output=True,
        )
    except PermissionError:
        return False
    return done.returncode == 0
