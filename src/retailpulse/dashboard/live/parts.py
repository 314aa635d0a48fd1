"""Finds in the HTML of a page what is kept up to date: its title, and the elements marked `data-live`."""

import re
from functools import cache
from html import unescape

TITLE = "title"
"""Under this name the title of a page stands among its parts, as a text."""
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_BEGIN = re.compile(r"<([a-z][a-z0-9]*)\s(?:[^<>]*\s)?data-live(?=[\s>=])[^<>]*>")
_ID = re.compile(r'\sid="([^"]+)"')


def live_parts(html: str) -> dict[str, str]:
    """What is inside of each live element, by the id of the element; empty if the page has none.

    Templates escape all texts, so that every `<` begins a tag. A live element without an id, and one inside
    of another, is no part.
    """
    parts: dict[str, str] = {}
    begin = _BEGIN.search(html)
    while begin is not None:
        end = _end_of(html, begin)
        if named := _ID.search(begin[0]):
            parts[named[1]] = html[begin.end() : end]
        begin = _BEGIN.search(html, end)
    if parts and (title := _TITLE.search(html)):
        parts[TITLE] = unescape(title[1])
    return parts


def _end_of(html: str, begin: re.Match[str]) -> int:
    """Where the element ends that a match begins: at the end tag for which no other has begun."""
    depth = 1
    for tag in _tags(begin[1]).finditer(html, begin.end()):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.start()
    return len(html)


@cache
def _tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){name}(?=[\s>])")
