"""Each page of docs/how-to can be followed: every command that is not marked is run, on a machine of its own.

Not here: what needs an engine for containers, a cluster, or the internet; the pages say so beside each.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tests.how_to.page import PAGES, Block, blocks

ROOT = Path(__file__).parents[2]
ENTER = Path(__file__).with_name("enter.sh")
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
PACKAGES = {"nginx": "nginx-light", "caddy": "caddy", "node": "nodejs", "php": "php-cli"}
PACKAGES |= {"prometheus": "prometheus", "promtool": "prometheus"}
PACKAGES |= {"kubectl": "kubernetes-client", "systemd-analyze": "systemd", "openssl": "openssl"}
REASONS = {
    "needs a Docker engine",
    "needs a cluster of Kubernetes",
    "needs systemd as the first process",
    "downloads packages",
    "needs a name in the public DNS",
}
BLOCKS = {page.stem: blocks(page.read_text()) for page in PAGES}
TYPED = {name: [block for block in found if block.is_typed] for name, found in BLOCKS.items()}
NEEDED = sorted({block.needs for block in chain(*BLOCKS.values()) if block.needs})


@cache
def has_machines() -> bool:
    """Whether a copy of this machine can be made."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        return False
    overlay = "mount -t overlay overlay /mnt -o lowerdir=/,upperdir=/mnt/changed,workdir=/mnt/work"
    command = f"mount -t tmpfs scratch /mnt && mkdir /mnt/changed /mnt/work && {overlay}"
    return (
        subprocess.run([*NAMESPACES, "sh", "-c", command], capture_output=True, check=False).returncode == 0
    )


def read(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Has a page read on a copy of this machine."""
    if not has_machines():
        pytest.skip("needs root and overlay file systems")
    command = [*NAMESPACES, str(ENTER), str(folder), str(ROOT), sys.executable]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=400, check=False)


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    done = read(page.read_text(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "```sh\ntrue\nfalse\ntrue\n```\n",
        "```sh\necho yes\n```\n```text\nno\n```\n",
        '```sh {code="3"}\nfalse\n```\n',
        "```sh\nexit 0\n```\n",
    ],
    ids=["a command fails", "an output is another", "a code is another", "the shell ends"],
)
def test_a_page_that_is_wrong_is_found(text: str, tmp_path: Path) -> None:
    done = read(text, tmp_path)
    assert (done.returncode, "line 1 " in done.stdout) == (1, "yes" not in text), done.stdout + done.stderr


@pytest.mark.parametrize("needed", NEEDED)
def test_what_the_pages_need_is_installed(needed: str) -> None:
    """Without it the blocks that need it are left out above."""
    if shutil.which(needed) is None:
        pytest.skip(f"needs {needed}: apt-get install {PACKAGES[needed]}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_not_run_says_why(page: Path) -> None:
    reasons = {block.not_run for block in BLOCKS[page.stem] if block.not_run}
    assert reasons <= REASONS
    assert all(reason in page.read_text() for reason in reasons)


@pytest.mark.parametrize("name", TYPED)
def test_something_of_every_page_is_run(name: str) -> None:
    assert any(is_run(block) for block in TYPED[name])


def is_run(block: Block) -> bool:
    return not block.not_run
