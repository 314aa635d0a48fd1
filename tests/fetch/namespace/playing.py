"""Plays a scene in a namespace of its own and reads its report; skips where there can be no namespace."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[3]
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Whom packets went to in a scene, who was connected to, and what the scene itself tells."""

    reached: dict[str, int]
    received_bytes: dict[str, int]
    packets: list[str]
    packets_lost: int
    told: dict[str, Any]


def play(scene: str) -> Report:
    """Play a scene, which is a function of one of the rooms beside this one."""
    if not _has_namespaces():
        pytest.skip("a world of its own needs user namespaces (unshare of util-linux), or root")
    command = [*_unshare(), sys.executable, "-W", "error", "-m", "tests.fetch.namespace", scene]
    played = subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
    )
    assert played.returncode == 0, played.stderr
    assert not played.stderr, played.stderr
    return Report(**json.loads(played.stdout))


def _unshare() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--net", "--mount"]


@cache
def _has_namespaces() -> bool:
    """Whether a namespace can be made, and files be covered in it."""
    try:
        probe = subprocess.run(
            [*_unshare(), "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return probe.returncode == 0
