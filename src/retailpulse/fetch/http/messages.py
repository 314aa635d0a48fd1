"""A request and an answer of HTTP, as `exchange` takes the one and gives the other."""

import re

import msgspec

from retailpulse.fetch.http.post_request import PostRequest
from retailpulse.fetch.http.ranges import Span
from retailpulse.fetch.target.urls import NO_HEADERS, SecretHeaders

_LENGTH = re.compile(rb"^content-length([ \t]*):[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_IDENTITY = re.compile(rb"^transfer-encoding:[ \t]*identity[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
WHOLE = frozenset({200, 203})
"""Statuses of an answer whose body is the whole file."""

GIVEN = WHOLE | {206}
"""Statuses of an answer that gives the file, or a part of it."""


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is asked: a URL, perhaps a span of its bytes, in limited time."""

    url: str
    timeout_seconds: float
    span: Span | None = None
    max_content_length: int = 0  # refused by its header alone; 0: any length
    pin: str = ""  # host:port:addresses, so that libcurl looks no name up; empty: the URL holds a number
    cookie: str = ""  # the value of the header Cookie
    headers: SecretHeaders = NO_HEADERS  # what the host asks for before it gives a photo
    fallbacks: int = 0  # how else than usual it is asked
    keeps_alive: bool = True  # the connection is kept for the next request
    post: PostRequest | None = None  # what is carried there; of the answer only the status counts then

    def __repr__(self) -> str:
        return f"Request({self.pin})"


class Response(msgspec.Struct, frozen=True):
    """An HTTP answer; its body is in the intake, if the status is one that was asked for."""

    status: int
    head: bytes  # the status line and all headers, as they came
    retry_after_seconds: int
    is_coded: bool = False  # its body has a content coding
    error_code: str = ""  # what the body of an error calls it
    is_refusal: bool = False  # the host only wants to be asked less

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header of a lower-case name."""
        return find_header(self.head, name)


def find_headers(head: bytes, name: bytes) -> list[bytes]:
    """The values of all headers of a lower-case name in a head, in order."""
    found, lowered, start = [], head.lower(), 0
    while (start := lowered.find(b"\n%b:" % name, start)) >= 0:
        start += len(name) + 2
        end = head.find(b"\n", start)
        found.append(head[start : end if end >= 0 else len(head)].strip())
    return found


def find_header(head: bytes, name: bytes) -> bytes | None:
    """The value of the first header of a lower-case name in a head."""
    start = head.lower().find(b"\n%b:" % name)
    if start < 0:
        return None
    start += len(name) + 2
    end = head.find(b"\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def find_ignored_length(head: bytes) -> int | None:
    """The length that a head declares and libcurl does not heed, which reads on until the connection closes.

    It stands beside `Transfer-Encoding: identity`, or has a space before its colon; browsers heed it.
    """
    if b"dentity" not in head and b" :" not in head:  # true of nearly all, and quick
        return None
    match = _LENGTH.search(head)
    if match is None or not (match[1] or _IDENTITY.search(head)):
        return None
    return int(match[2])
