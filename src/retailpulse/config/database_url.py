"""Whether what names a database is well-formed, as a URL or as a list of `name=value`.

One that is not is refused before a driver sees it: if a password is in the wrong place, drivers take
it for a port or a host, and put it into their errors.
"""

import re

_NAMED_HOST = r"[\w.%+~-]*(?::\d{1,5})?"
_NUMBERED_HOST = r"\[[0-9A-Fa-f:.%\w]*\](?::\d{1,5})?"
_HOST = f"(?:{_NAMED_HOST}|{_NUMBERED_HOST})"
_URL = re.compile(
    r"postgres(?:ql)?://(?:[^:/?#@]*(?::[^/@]*)?@)?"
    + f"{_HOST}(?:,{_HOST})*"
    + r"(?:/[^/?#@]*)?(?:\?[^?#@]*)?"
)
_LIST = re.compile(r"(?:\s*\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$))+\s*")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_database_url(text: str) -> bool:
    """Whether a driver reads this as it is meant: a URL's password is percent-encoded as it must be."""
    if "://" in text:
        return _URL.fullmatch(text) is not None and _NO_ESCAPE.search(text) is None
    return _LIST.fullmatch(text) is not None
