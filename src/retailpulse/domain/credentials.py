"""What a photo host asks for before it gives a photo: headers, a bearer token, or a user and a password.

Here it is checked and turned into header lines; for which host it is, and when it is sent, is `fetch`'s to
say. No text, error or repr of this module holds a secret.
"""

import base64
import re
from typing import Any

import msgspec

MOST_HEADERS = 8
MOST_VALUE_BYTES = 4_096
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# What frames or routes a request, is ours to say, would make it another one, or opens metadata services.
_REFUSED = frozenset(
    {
        *("accept-encoding", "content-encoding", "content-length", "content-type", "cookie", "cookie2"),
        *("connection", "expect", "host", "keep-alive", "range", "te", "trailer", "transfer-encoding"),
        *("http2-settings", "upgrade", "user-agent", "via", "forwarded", "x-real-ip", "x-original-url"),
        *("x-rewrite-url", "x-http-method", "x-http-method-override", "x-method-override"),
        *("metadata", "metadata-flavor"),
    }
)
_REFUSED_BEGINNINGS = ("if-", "proxy-", "sec-", "x-forwarded-", "x-aws-ec2-metadata-")


class Credential(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """What one host is sent; `basic` is `user:password`."""

    headers: dict[str, str] = {}
    bearer: str = ""
    basic: str = ""

    def __repr__(self) -> str:
        return "Credential(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def lines(self) -> tuple[str, ...]:
        """The header lines, `Name: value` in printable ASCII; raises ValueError, which quotes no value."""
        found = [_line(name, value) for name, value in self.headers.items()]
        if self.bearer:
            found.append(f"Authorization: Bearer {_checked(self.bearer, _TOKEN, 'bearer')}")
        if self.basic:
            found.append(f"Authorization: Basic {_encoded(self.basic)}")
        names = [line.partition(":")[0].lower() for line in found]
        if not found:
            raise ValueError("nothing is to be sent; write headers, bearer or basic")
        if len(found) > MOST_HEADERS:
            raise ValueError(f"there are {len(found)} headers, more than {MOST_HEADERS}")
        if len(set(names)) < len(names):
            raise ValueError("a header is there twice; bearer and basic are Authorization")
        return tuple(found)


def _line(name: str, value: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("headers: a name is none; write 1 to 64 letters, digits or -")
    lower = name.lower()
    if lower in _REFUSED or lower.startswith(_REFUSED_BEGINNINGS):
        raise ValueError(f"headers: {name} cannot be set")
    return f"{name}: {_checked(value, _VALUE, f'headers.{name}')}"


def _checked(text: str, form: re.Pattern[str], field: str) -> str:
    if len(text) > MOST_VALUE_BYTES:
        raise ValueError(f"{field}: it has more than {MOST_VALUE_BYTES} characters")
    if form.fullmatch(text) is None:
        raise ValueError(f"{field}: write printable ASCII, without space around it")
    return text


def _encoded(user_and_password: str) -> str:
    user, colon, _ = user_and_password.partition(":")
    if not user or not colon or _CONTROL.search(user_and_password):
        raise ValueError("basic: write user:password, without control characters")
    try:
        text = base64.b64encode(user_and_password.encode()).decode()
    except UnicodeEncodeError:
        raise ValueError("basic: it is not valid Unicode") from None
    return _checked(text, _TOKEN, "basic")
