"""The scripts of the pages: our own, few lines, and nothing that a strict policy would forbid."""

import re
from pathlib import Path

SCRIPTS = sorted((Path(__file__).parents[2] / "src/retailpulse/dashboard/static").glob("*.js"))


def test_all_scripts_together_are_under_300_lines() -> None:
    assert SCRIPTS
    assert sum(len(path.read_text().splitlines()) for path in SCRIPTS) < 300


def test_no_script_makes_code_of_text_or_names_another_host() -> None:
    for path in SCRIPTS:
        text = path.read_text()
        assert not re.search(r"\beval\(|\bnew Function\b|https?://|\.style\b|setTimeout\(\s*[\"'`]", text), (
            path
        )
