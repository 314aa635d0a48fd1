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
        pytest.skip("needs user namespaces or root: apt-get install util-linux mount")
    if not _has_ipv6():
        pytest.skip("needs IPv6, which this machine has turned off")
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
    return _succeeds("mount", "-t", "tmpfs", "none", "/tmp")


@cache
def _has_ipv6() -> bool:
    """Whether a new namespace may have addresses of IPv6."""
    return _succeeds("grep", "-qx", "0", "/proc/sys/net/ipv6/conf/all/disable_ipv6")


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run([*_unshare(), *command], capture_output=True, check=False).returncode == 0
    except OSError:  # not found; where a folder of PATH cannot be read that is told as a lack of permission
        return False
