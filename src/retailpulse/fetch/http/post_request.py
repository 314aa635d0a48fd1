"""What a request carries to its receiver: a small body with headers of its own.

A handle that was loaded serves this one request: its caller makes it and throws it away.
"""

import msgspec
import pycurl

from retailpulse.fetch.http.curl_handles import IDENTITY

MOST_ANSWER_BYTES = 4_096
"""How much of the answer to a post is read, and thrown away: only its status counts."""


class PostRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A body and its headers, each as `Name: value` in printable ASCII."""

    body: bytes
    headers: tuple[str, ...]


def load(handle: pycurl.Curl, post: PostRequest) -> None:
    """Turn a handle into one that posts; raises ValueError for a header that could be read as two."""
    for header in post.headers:
        if not (header.isascii() and header.isprintable()):
            raise ValueError("a header must be printable ASCII")
    handle.setopt(pycurl.POST, 1)
    handle.setopt(pycurl.POSTFIELDS, post.body)
    # Without the empty one libcurl may wait for a permission to send that many receivers never give.
    handle.setopt(pycurl.HTTPHEADER, [*post.headers, IDENTITY, "Expect:"])
    handle.setopt(pycurl.BUFFERSIZE, MOST_ANSWER_BYTES)
    # A connection kept from the last post may be closed by now, and a post is not simply sent again.
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
