"""The fenced blocks of a page: what its reader types, writes to files, and sees.

A fence says in braces what its reader does not need to see: `not-run="reason"`, `needs="program"`,
`terminal="service"`, `file="path"`, `code="1"`. The comment `<!-- Ctrl-C in terminal "service" -->` is a key.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PAGES = sorted((Path(__file__).parents[2] / "docs" / "how-to").glob("*.md"))
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: \{(?P<attributes>[^}\n]*)\})?\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
KEY = re.compile(r'^<!-- Ctrl-C in terminal "(?P<terminal>\w+)" -->$', re.MULTILINE)
CTRL_C = "Ctrl-C"
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
KNOWN = {"not-run", "needs", "terminal", "file", "code"}


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: its language, its text, the line that it stands in, and how it is read."""

    language: str
    text: str
    line: int
    not_run: str = ""
    needs: str = ""
    terminal: str = ""
    file: str = ""
    code: int = 0

    @property
    def is_typed(self) -> bool:
        """Whether the reader types it into a shell."""
        return self.language == "sh"


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page in their order; ValueError for an attribute that means nothing."""
    found = []
    for fence in FENCE.finditer(text):
        attributes = dict(ATTRIBUTE.findall(fence["attributes"] or ""))
        if unknown := attributes.keys() - KNOWN:
            raise ValueError(f"nothing is known of {', '.join(unknown)}")
        lines = fence["text"].splitlines(keepends=True)
        block = Block(
            language=fence["language"],
            text="".join(line.removeprefix(fence["indent"]) for line in lines),
            line=text.count("\n", 0, fence.start()) + 1,
            needs=attributes.get("needs", ""),
            not_run=attributes.get("not-run", ""),
            terminal=attributes.get("terminal", ""),
            file=attributes.get("file", ""),
            code=int(attributes.get("code", 0)),
        )
        found.append(block)
    for key in KEY.finditer(text):
        line = text.count("\n", 0, key.start()) + 1
        found.append(Block(language=CTRL_C, text="", line=line, terminal=key["terminal"]))
    return sorted(found, key=lambda block: block.line)
