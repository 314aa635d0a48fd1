"""Texts as people paste them: what no eye sees around and within them is taken away.

Not here: what a store id or a visit time must look like.
"""

import re
import unicodedata

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_WHITESPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_AROUND = _WHITESPACE + _ZERO_WIDTH
_ACCENTS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(f"[{_ZERO_WIDTH}]")


def trimmed(text: str) -> str:
    """A text without white space, no-break spaces and zero-width characters around it."""
    return text.strip(_AROUND)


def without_end(text: str, characters: str) -> str:
    """A text without what `trimmed` takes away, and without these characters at its end, in any order."""
    return text.lstrip(_AROUND).rstrip(_AROUND + characters)


def trimmed_id(text: str) -> str:
    """An id without what `trimmed` takes away, and without zero-width characters within it.

    Within a name or a URL they stay: scripts of India and Persia, and some emoji, are written with them.
    """
    text = text.strip(_AROUND)
    return text if text.isascii() else _INVISIBLE.sub("", text)


def folded(text: str) -> str:
    """A text as it is searched: in small letters, without accents."""
    return without_accents(text.lower())


def without_accents(text: str) -> str:
    """A text without the accents of its letters; one of accents alone stays as it is."""
    if text.isascii():
        return text
    return _ACCENTS.sub("", unicodedata.normalize("NFD", text)) or text
