"""Texts as people send them, freed of what nobody sees: ids that were copied from sheets and chats."""

import re

_NEXT_URL = re.compile(r"[\s,;|]+(?=(?:https?|s3|gs|az)://)", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")


def trimmed_id(text: str) -> str:
    """The id without blanks around it, NBSP too, and without zero-width characters anywhere."""
    if text.isascii():
        return text.strip()
    return _INVISIBLE.sub("", text).strip()


def split_urls(cell: str) -> list[str]:
    """The URLs of one cell, in their order; it is split only right before what begins like a URL."""
    if cell.count("://") < 2:
        return [cell.strip()]
    first, *others = _NEXT_URL.split(cell.strip())
    return [url.rstrip(" ,;|\t\r\n") for url in (first, *others)] if others else [first]
