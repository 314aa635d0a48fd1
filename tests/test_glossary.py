"""docs/glossary.md agrees with the code: terms are found where it says, and no name uses a replaced word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "retailpulse"
ROW = re.compile(r"^\| (?P<term>[^|`]+) \| (?P<meaning>[^|]+) \| `(?P<place>[^|`]+)` \|$", re.MULTILINE)
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ROWS = {row["term"]: row["place"] for row in ROW.finditer(GLOSSARY)}
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FILES = sorted(path for folder in ("src", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))
OLD_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        answering asking beside bury circumstances courier disbelieve dressed excuse excuses gathered
        gathering intake keyring law laws leaving letters lone news nursery obituary overtaken patience
        patient printing pulse take taken takes tallies tally tell telling tells told unconfirmed unmanned
        uploading verdict verdicts
        """,
    )
)
"""Parts of names that said in words of our own what the field has a term for."""


def plain(text: str) -> str:
    """Words in lower case with one space between: of a sentence, a path or a name."""
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()))


def names_in(path: Path) -> Iterator[str]:
    """What a file is called, its classes and functions; tests are called by sentences, and are left out."""
    yield path.stem.removeprefix("test_")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, DEFINITIONS) and not node.name.startswith("test_"):
            yield node.name


def test_the_rows_are_found() -> None:
    lines = [line for line in GLOSSARY.splitlines() if line.startswith("|")]
    assert len(ROWS) == len(lines) - 2 >= 25
    assert list(ROWS) == sorted(ROWS, key=str.lower)


@pytest.mark.parametrize(("term", "place"), ROWS.items(), ids=list(ROWS))
def test_every_term_is_found_where_the_glossary_says(term: str, place: str) -> None:
    path = SOURCES / place
    assert path.is_file(), place
    assert plain(term) in plain(f"{place} {path.read_text()}")


def test_no_name_uses_a_word_that_was_replaced() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in FILES
        for name in names_in(path)
        if OLD_WORDS & set(plain(name.replace("RetailPulse", "")).split())
    }
    assert found == set()
