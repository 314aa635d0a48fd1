"""The site is built offline without a warning; its links lead somewhere, and nothing is of another host."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from tests.browser import browsing, needs_chromium

ROOT = Path(__file__).parents[2]
LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
STATED = {"canonical", "index", "search", "next", "prev", "author", "copyright"}
"""What links of a head say without having it loaded."""


class Page(HTMLParser):
    """What a page links to, what it has loaded, and the anchors that it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADED and found.get("rel", "") not in STATED and LOADED[tag] in found:
            self.loaded.append(found[LOADED[tag]])


@cache
def page(file: Path) -> Page:
    return Page(file)


def built(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Builds the site, as root in a network namespace that has nothing but itself."""
    offline = ["unshare", "--net"] if os.getuid() == 0 else []
    command = [*offline, sys.executable, "-m", "tools.docsite", *options, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The built site of this checkout."""
    folder = tmp_path_factory.mktemp("site") / "html"
    done = built(folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout == f"{(folder / 'index.html').as_uri()}\n"
    yield folder
    page.cache_clear()


def is_elsewhere(link: str) -> bool:
    return bool(re.match(r"[a-z]+:|//", link))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_document_is_a_page_of_it(site: Path) -> None:
    documents = {
        path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")
    }
    documents |= {Path("project") / f"{path.stem.lower()}.html" for path in ROOT.glob("*.md")}
    assert {name for name in documents if not (site / name).is_file()} == set()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_link_leads_to_a_file_and_an_anchor_that_exist(site: Path) -> None:
    lost = set()
    for file in site.rglob("*.html"):
        for link in page(file).links:
            if is_elsewhere(link):
                continue
            path, anchor = urldefrag(unquote(link))
            target = (file.parent / path).resolve() if path else file
            if not target.is_file() or (anchor and anchor not in page(target).anchors):
                lost.add((str(file.relative_to(site)), link))
    assert lost == set()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    loaded = {link for file in site.rglob("*.html") for link in page(file).loaded}
    assert len(loaded) > 5
    assert {link for link in loaded if is_elsewhere(link) and not link.startswith("data:")} == set()
    styles = {file.name: file.read_text() for file in site.rglob("*.css")}
    asked = {
        (name, url)
        for name, text in styles.items()
        for url in re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", text)
    }
    assert {one for one in asked if is_elsewhere(one[1]) and not one[1].startswith("data:")} == set()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_drawings_are_pictures_of_the_site(site: Path) -> None:
    text = (site / "project" / "architecture.html").read_text()
    drawings = re.findall(r'src="\.\./_images/(\w+\.svg)"', text)
    assert len(drawings) == len(set(drawings)) == 4
    assert all("<svg" in (site / "_images" / name).read_text()[:200] for name in drawings)
    assert "mermaid</span>" not in text


@pytest.mark.slow
@pytest.mark.timeout(400)
@needs_chromium
def test_a_browser_reads_and_searches_it_from_a_folder(site: Path, tmp_path: Path) -> None:
    with browsing(tmp_path) as browser:
        browser.page.goto((site / "index.html").as_uri())
        browser.page.get_by_role("link", name="Put nginx before it").first.click()
        browser.page.get_by_role("heading", name="Put nginx before it", level=1).wait_for()
        browser.page.goto((site / "search.html").as_uri() + "?q=landlock")
        browser.page.get_by_role("link", name="Run it under systemd").last.wait_for()
        browser.page.locator("ul.search a", has_text="Run it under systemd").first.wait_for()
        assert browser.complaints == []
        assert {asked.url.partition(":")[0] for asked in browser.requests} <= {"file", "data"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[there](other.md#nowhere)", "nowhere"),
        ("[there](missing.md)", "missing.md"),
        ("# Twice\n\n#### Too deep", "header level"),
        ("```{nonsense}\n```", "nonsense"),
    ],
)
def test_a_page_that_is_wrong_keeps_the_site_from_being_built(
    text: str, complaint: str, tmp_path: Path
) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "index.md").write_text(f"# All\n\n## Part\n\n- [Other](other.md)\n\n{text}\n")
    (documents / "other.md").write_text("# Other\n")
    done = built(tmp_path / "html", f"--checkout={tmp_path}")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert not (tmp_path / "html").exists()


def test_a_page_that_the_table_does_not_list_is_named(tmp_path: Path) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "index.md").write_text("# All\n")
    (documents / "forgotten.md").write_text("# Forgotten\n")
    done = built(tmp_path / "html", f"--checkout={tmp_path}")
    assert (done.returncode, done.stderr) == (1, "No site: docs/index.md does not list docs/forgotten.md\n")
