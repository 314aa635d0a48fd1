"""Queries of addresses: how what a page is asked for is read and written."""

from collections.abc import Mapping
from urllib.parse import urlencode


def plain(text: str) -> str:
    """A text as it is looked for: without what the database cannot hold, and spaces around it."""
    return text.replace("\0", "").strip()


def address_of(path: str, query: Mapping[str, str]) -> str:
    """The address of a page with this query; what is empty is left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
