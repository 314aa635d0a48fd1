"""Lays the documents out as Sphinx wants them: links between places, fences, drawings, the table of contents.

`docs/index.md` is the table: each of its headings is a part, each of its links a page, in their order. A page
of a folder within, if it is not listed, hangs below the page that links most to that folder.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tools.docsite.drawings import draw

FENCE = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]*)(#[^)\s]*)?\)")
NAMED_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
NOT_RUN = re.compile(r'not-run="([^"]+)"')
INDEX = PurePosixPath("docs/index.md")
WITHOUT_COLOURS = {"csv": "text", "ndjson": "text"}
"""Languages that Pygments does not know."""


class Unpublishable(Exception):
    """What keeps the documents from being a site."""


@dataclass(kw_only=True)
class Site:
    """The pages of a checkout, by their paths in it, and where they are staged."""

    checkout: Path
    folder: Path
    pages: list[PurePosixPath] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = [*self.checkout.glob("*.md"), *(self.checkout / "docs").rglob("*.md")]
        self.pages = sorted(PurePosixPath(path.relative_to(self.checkout)) for path in found)

    def stage(self) -> None:
        """Writes every page, and the files that pages show or name; raises Unpublishable."""
        contents = self.contents()
        for page in self.pages:
            staged = self.folder / place(page)
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(self._staged(page) + contents.get(page, ""))

    def contents(self) -> dict[PurePosixPath, str]:
        """What is added to pages so that every page stands in the table once; raises Unpublishable."""
        parts = re.split(r"^## ", self._text(INDEX), flags=re.MULTILINE)[1:]
        listed: dict[PurePosixPath, str] = {INDEX: ""}
        added = {INDEX: ""}
        for part in parts:
            own = {page: name for page, name in self._linked(INDEX, part).items() if page not in listed}
            listed |= own
            added[INDEX] += toctree(INDEX, own, part.partition("\n")[0])
        below: dict[PurePosixPath, dict[PurePosixPath, str]] = {}
        for page in self.pages:
            if page not in listed:
                below.setdefault(self._above(page, list(listed)), {})[page] = ""
        return added | {page: toctree(page, own) for page, own in below.items()}

    def _above(self, page: PurePosixPath, listed: list[PurePosixPath]) -> PurePosixPath:
        """The listed page that links most to the folder of a page that is not."""
        links = {
            other: sum(linked.parent == page.parent for linked in self._linked(other, self._text(other)))
            for other in listed
            if other != INDEX
        }
        above = max(links, key=lambda other: links[other], default=INDEX)
        if page.parent == INDEX.parent or not links.get(above):
            raise Unpublishable(f"docs/index.md does not list {page}")
        return above

    def _text(self, page: PurePosixPath) -> str:
        return (self.checkout / page).read_text()

    def _linked(self, page: PurePosixPath, text: str) -> dict[PurePosixPath, str]:
        """The pages that a text of a page links to, each once, with what the first link is called."""
        found: dict[PurePosixPath, str] = {}
        for name, target in NAMED_LINK.findall(FENCE.sub("", text)):
            if (wanted := normal(page.parent / target)) in self.pages:
                found.setdefault(wanted, name)
        return found

    def _staged(self, page: PurePosixPath) -> str:
        """A page as Sphinx reads it."""
        pieces = []
        for text, indent, info, fenced in split(self._text(page)):
            pieces.append(LINK.sub(lambda link: self._relinked(page, link), text))
            if info is not None:
                pieces.append(self._fence(page, indent, info, fenced))
        return "".join(pieces)

    def _relinked(self, page: PurePosixPath, link: re.Match[str]) -> str:
        """A link to where its target is staged; a file that is no page is staged with it."""
        target, anchor = link[1], link[2] or ""
        if not target or ":" in target:
            return link[0]
        wanted = normal(page.parent / target)
        source = self.checkout / wanted
        if source.is_dir():
            wanted = PurePosixPath("ARCHITECTURE.md")
        elif not source.is_file():
            raise Unpublishable(f"{page} links to {target}, which does not exist")
        if wanted not in self.pages:
            staged = self.folder / place(wanted)
            staged.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, staged)
        return f"]({os.path.relpath(place(wanted), place(page).parent)}{anchor})"

    def _fence(self, page: PurePosixPath, indent: str, info: str, text: str) -> str:
        language = info.partition(" ")[0]
        if language == "mermaid":
            drawing = draw(text, self.folder / "drawings").relative_to(self.folder)
            file = os.path.relpath(drawing, place(page).parent)
            return f"[![A drawing]({file}){{.drawing}}]({file})"
        language = WITHOUT_COLOURS.get(language, language)
        if reason := NOT_RUN.search(info):
            option = f"{indent}:caption: Not run by the tests of this page: it {reason[1]}\n"
            return f"{indent}```{{code-block}} {language}\n{option}\n{text}{indent}```"
        return f"{indent}```{language}\n{text}{indent}```"


def split(text: str) -> Iterator[tuple[str, str, str | None, str]]:
    """A page as texts, each with the fence behind it: its indent, its info and what it holds."""
    end = 0
    for fence in FENCE.finditer(text):
        yield text[end : fence.start()], fence[1], fence[2], fence[3]
        end = fence.end()
    yield text[end:], "", None, ""


def normal(path: PurePosixPath) -> PurePosixPath:
    """A path without the steps that lead up."""
    return PurePosixPath(os.path.normpath(path))


def place(path: PurePosixPath) -> PurePosixPath:
    """Where a file of the checkout is staged: documents at the top, other files in a folder of their own."""
    if path.parts[0] == "docs":
        return path.relative_to("docs")
    if path.suffix == ".md":
        return PurePosixPath("project") / path.name.lower()
    return PurePosixPath("files") / path


def toctree(page: PurePosixPath, below: dict[PurePosixPath, str], title: str = "") -> str:
    """The part of the table that a page holds, seen at the side; a page without a name has its heading's."""
    if not below:
        return ""
    lines = []
    for other, name in below.items():
        path = os.path.relpath(place(other).with_suffix(""), place(page).parent)
        lines.append(f"{name} <{path}>\n" if name else f"{path}\n")
    caption = f":caption: {title}\n" if title else ""
    return f"\n\n```{{toctree}}\n:hidden:\n{caption}\n{''.join(lines)}```\n"
