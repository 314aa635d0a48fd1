"""ARCHITECTURE.md and docs/decisions agree with the code: layers, states, dependencies, files that they name.

The middleware is compared with a running API in `tests/api/test_middleware_order.py`.
"""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from retailpulse.domain.jobs import JobStatus

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
MOST_LINES = 130
PARTS = ("Context", "Decision", "Consequence", "Alternatives", "Held by")

SECTIONS = [
    pytest.param(section, id=f"{path.stem}: {section.partition(chr(10))[0]}")
    for path in DECISIONS
    for section in re.split(r"^## ", path.read_text(), flags=re.MULTILINE)[1:]
]


def drawings(kind: str) -> list[str]:
    """The Mermaid drawings of a kind in ARCHITECTURE.md, by their texts."""
    return re.findall(rf"^```mermaid\n{kind}\n(.*?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)


def test_the_architecture_is_read_in_one_go() -> None:
    assert len(ARCHITECTURE.splitlines()) <= MOST_LINES
    assert len(re.findall(r"^```mermaid", ARCHITECTURE, re.MULTILINE)) == 4


def test_the_line_of_layers_is_that_of_the_import_contract() -> None:
    (line,) = re.findall(r"^cli -> .*$", ARCHITECTURE, re.MULTILINE)
    drawn = [set(layer.split(" | ")) for layer in line.split(" -> ")]
    layers = CONTRACTS["imports point one way"]["layers"]
    assert drawn == [set(layer.replace("retailpulse.", "").split(" | ")) for layer in layers]


def test_every_package_and_module_is_in_a_layer() -> None:
    layers = " | ".join(CONTRACTS["imports point one way"]["layers"]).replace("retailpulse.", "").split(" | ")
    found = {path.stem for path in (ROOT / "src" / "retailpulse").iterdir() if not path.name.startswith("_")}
    assert found - {"py"} == set(layers)


def test_every_error_of_the_domain_is_raised_below_http() -> None:
    """One that the HTTP interfaces alone raise is a word of HTTP: it stands in `web/errors.py`."""
    sources = ROOT / "src" / "retailpulse"
    named = {
        name
        for path in sources.rglob("*.py")
        if path.relative_to(sources).parts[0] not in {"domain", "web", "api", "client"}
        for name in re.findall(r"\b[A-Z]\w+", path.read_text())
    }
    defined = re.findall(r"^class (\w+)", (sources / "domain" / "errors.py").read_text(), re.MULTILINE)
    assert len(defined) > 10
    assert set(defined) - named == set()


def test_the_drawn_states_of_a_job_are_all_there_are() -> None:
    (drawing,) = drawings("stateDiagram-v2")
    arrows = re.findall(r"^ *(\S+) --> (\w+): ", drawing, re.MULTILINE)
    assert len(arrows) == len(drawing.splitlines())
    assert set(chain(*arrows)) - {"[*]"} == set(JobStatus)


def test_every_runtime_dependency_stands_in_the_table_and_no_other() -> None:
    project = PROJECT["project"]
    required = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    table = ARCHITECTURE.partition("## Run-time dependencies\n")[2]
    named = chain(
        *(re.findall(r"`([\w-]+)`", row) for row in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))
    )
    assert {re.split(r"[\[<>=]", name)[0] for name in required} == set(named) - {"binary", "pool"}


def test_every_file_of_decisions_is_in_the_index_once() -> None:
    listed = re.findall(r"\(docs/decisions/(\w+\.md)\) \|$", ARCHITECTURE, re.MULTILINE)
    assert sorted(listed) == [path.name for path in DECISIONS]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_decision_has_all_its_parts(section: str) -> None:
    missing = [
        part for part in PARTS if not re.search(rf"\*\*{part}\.?\*\* |^### {part}$", section, re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_decision_is_held_by_tests_or_contracts_that_exist(section: str) -> None:
    held_by = re.split(r"\*\*Held by\*\* |^### Held by$", section, flags=re.MULTILINE)[1]
    files = re.findall(r"`(tests/[^`]+)`", held_by)
    contracts = re.findall(r'contract "([^"]+)"', held_by)
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert [name for name in contracts if name not in CONTRACTS] == []
    assert files or contracts
