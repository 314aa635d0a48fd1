"""What the headers of a submit say of it: its key, and how long it will be."""

import re
from typing import Any

from litestar import Request

from retailpulse.domain.errors import InvalidRequest

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def read_idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    """The key that makes a repeated submit the same job; raises InvalidRequest."""
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidRequest("Idempotency-Key: write 1 to 255 printable ASCII characters, such as a UUID")
    return key


def expected_bytes(request: Request[Any, Any, Any]) -> int:
    """How many bytes the body is said to have; 0 if it is not said."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdigit() else 0
