"""Rules of the house that a machine can hold: the size of rooms, and documents that agree with the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.handlers import HTTPRouteHandler

from retailpulse.api.app import HANDLERS
from retailpulse.config.loading import OTHER_VARIABLES, Setting, load
from retailpulse.domain.images import Cause, Format
from retailpulse.domain.jobs import JobStatus

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "retailpulse").rglob("*.py"))
API_DOCUMENT = (ROOT / "docs" / "api.md").read_text()
SETTINGS_DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
SETTINGS = list(load(environ={}).listed())
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 40

each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=[str(path.relative_to(ROOT / "src" / "retailpulse")) for path in SOURCES]
)


def test_the_sources_are_found() -> None:
    assert len(SOURCES) > 50


def test_no_file_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


@each_source
def test_no_function_is_too_long(path: Path) -> None:
    lengths = {
        f"{node.name} in line {node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


@each_source
def test_every_module_says_what_is_in_it(path: Path) -> None:
    module = ast.parse(path.read_text())
    assert not module.body or ast.get_docstring(module)


@each_source
def test_every_room_is_named_after_what_is_in_it(path: Path) -> None:
    assert path.stem not in {"utils", "util", "common", "helpers", "helper", "misc", "base", "core"}


@each_source
def test_nothing_is_left_for_later(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_every_setting_stands_in_its_document_with_default_and_meaning(setting: Setting) -> None:
    value = f"`{setting.value}`" if setting.value != "" else "empty"
    row = f"| `{setting.variable}` | {value} | {setting.meaning} |"
    assert row in SETTINGS_DOCUMENT.splitlines()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_no_setting_that_does_not_exist(path: Path) -> None:
    known = {setting.variable for setting in SETTINGS} | OTHER_VARIABLES
    named = set(re.findall(r"\bRETAILPULSE_[A-Z_]+[A-Z]\b(?!_)", path.read_text()))
    assert named - known == set()


def routes() -> Iterator[str]:
    """Every route of the API as documents write it: GET /api/v1/jobs/{job_id}."""
    for handler in HANDLERS:
        assert isinstance(handler, HTTPRouteHandler)
        for path in handler.paths:
            for method in handler.http_methods:
                yield f"{method} {re.sub(r':[a-z]+}', '}', path)}"


def test_every_route_stands_in_the_document_of_the_api() -> None:
    told = set(re.findall(r"^\| \[`([A-Z]+ /[^`]*)`\]", API_DOCUMENT, re.MULTILINE))
    assert told == set(routes())


@pytest.mark.parametrize("names", [Cause, JobStatus, Format], ids=lambda names: names.__name__)
def test_every_word_of_the_answers_is_explained(names: type[Cause | JobStatus | Format]) -> None:
    assert [name for name in names if f"`{name}`" not in API_DOCUMENT] == []


def test_the_document_explains_no_cause_that_does_not_exist() -> None:
    table = API_DOCUMENT.partition("### Causes\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(Cause)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_no_test_that_does_not_exist(path: Path) -> None:
    named = re.findall(r"`(?:deploy|docs|tests)/[^`\s]+`", path.read_text())
    assert [name for name in named if not (ROOT / name.strip("`")).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_in_plain_words(path: Path) -> None:
    """A component is named, not "whoever" does its work; a thing is done again, not "anew"."""
    assert re.findall(r"\b(?:whoever|whom|anew|for good|so many)\b", path.read_text(), re.IGNORECASE) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = path.read_text()
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", text)):
        if ":" in target:
            continue
        other = path.parent / target if target else path
        assert other.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
            }
