"""The cookies of one try: what a redirect sets and its target wants, as portals and firewalls do it.

They go to the host that set them alone, whatever `Domain` says, and are forgotten with the try. Weak: `Path`
is not heeded, as nothing but this one photo is asked for.
"""

import re

from retailpulse.fetch.http.messages import Response, find_headers
from retailpulse.fetch.target.urls import Origin

_MOST_COOKIES, _MOST_BYTES = 20, 4_096
_PAIR = re.compile(rb"[\x20-\x3a\x3c-\x7e]+")
_EXPIRED = re.compile(rb";\s*max-age\s*=\s*(-|0+\s*(;|$))", re.IGNORECASE)
_SECURE = re.compile(rb";\s*secure\s*(;|$)", re.IGNORECASE)


class CookieJar:
    """Cookies by the host that set them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bytes], tuple[bytes, bool]] = {}

    def update(self, origin: Origin, answer: Response) -> None:
        """Keep what an answer sets; what is too much, or could be read as two headers, is left out."""
        for header in find_headers(answer.head, b"set-cookie"):
            pair, _, attributes = header.partition(b";")
            pair = pair.strip()
            name = origin.host, pair.partition(b"=")[0].strip()
            if _EXPIRED.search(b";" + attributes):
                self._kept.pop(name, None)
            elif len(pair) <= _MOST_BYTES and len(self._kept) < _MOST_COOKIES and _PAIR.fullmatch(pair):
                self._kept[name] = pair, _SECURE.search(b";" + attributes) is not None

    def header(self, origin: Origin) -> str:
        """The value of the header Cookie for a request, empty where there is none."""
        sent = [
            pair
            for (host, _), (pair, is_secure) in self._kept.items()
            if host == origin.host and (origin.scheme == "https" or not is_secure)
        ]
        return b"; ".join(sent).decode("ascii")
