"""What no machine of the tests can run names commands that exist, and files that their schemas allow."""

import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from retailpulse.cli import MODULES
from tests.how_to.page import PAGES, blocks

ROOT = Path(__file__).parents[2]
BLOCKS = {page.stem: blocks(page.read_text()) for page in PAGES}
NO_COMMANDS = {"retailpulse"}


def file_of(page: str, name: str) -> str:
    (found,) = [block.text for block in BLOCKS[page] if block.file == name]
    return found


def test_commands_that_are_not_run_exist() -> None:
    texts = [block.text for block in chain(*BLOCKS.values()) if block.not_run]
    named = {
        name for text in texts for name in re.findall(r"\bretailpulse (?=([a-z]+)\b)", text)
    } - NO_COMMANDS
    assert len(named) > 3
    assert named <= set(MODULES)


def test_files_that_commands_name_exist() -> None:
    texts = [block.text for block in chain(*BLOCKS.values()) if block.is_typed]
    named = {
        name
        for text in texts
        for name in re.findall(r"(?:deploy/|compose\.)[\w@./-]*\.(?:yaml|service|cfg)", text)
    }
    assert len(named) > 3
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_override_for_docker_follows_the_specification(tmp_path: Path) -> None:
    file = tmp_path / "compose.override.yaml"
    file.write_text(file_of("docker", file.name))
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    ours = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert set(yaml.safe_load(file.read_text())["services"]) <= set(ours)


def test_what_is_made_for_kubernetes_follows_its_schemas(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl: apt-get install kubernetes-client")
    (tmp_path / "kustomization.yaml").write_text(file_of("kubernetes", "shop/kustomization.yaml"))
    shutil.copy(ROOT / "deploy" / "kubernetes" / "retailpulse.yaml", tmp_path)
    done = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(done.stdout))
    for manifest in made:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    ours = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "retailpulse.yaml").read_text()))
    assert len(made) == len(ours)
