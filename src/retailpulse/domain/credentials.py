"""What a photo host asks for before it gives a photo: headers, a bearer token, or a user and a password.

Here it is checked and turned into header lines; for which host it is, and when it is sent, is `fetch`'s to
say. No text, error or repr of this module holds a secret.
"""

import base64
import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

MOST_HEADERS = 8
MOST_VALUE_BYTES = 4_096
MOST_BASIC = 500
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")  # servers read _ and others as - now and then
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_BASIC = re.compile(r"[^:\x00-\x1f\x7f-\x9f]+:[^\x00-\x1f\x7f-\x9f]*")
# What frames or routes a request, is ours to say, would make it another one, or opens metadata services.
_REFUSED = frozenset(
    {
        *("accept", "accept-encoding", "cf-connecting-ip", "client-ip", "origin", "true-client-ip"),
        *("content-encoding", "content-length", "content-type", "cookie", "cookie2"),
        *("connection", "expect", "host", "keep-alive", "range", "te", "trailer", "transfer-encoding"),
        *("http2-settings", "upgrade", "user-agent", "via", "forwarded", "x-real-ip"),
        *("x-http-method", "x-http-method-override", "x-method-override"),
        *("metadata", "metadata-flavor"),
    }
)
_REFUSED_BEGINNINGS = (
    *("if-", "proxy-", "sec-", "x-forwarded-", "x-aws-ec2-metadata-", "x-aliyun-ecs-metadata-", "x-envoy-"),
    *("x-client-", "x-cluster-", "x-host", "x-middleware-", "x-original-", "x-rewrite-", "x-scheme"),
)
_METADATA_TOKEN = "Oracle"  # noqa: S105  # no secret: it opens the metadata service of that cloud


_Headers = Annotated[
    dict[
        Annotated[str, Meta(pattern=f"^{_NAME.pattern}$")],
        Annotated[str, Meta(max_length=MOST_VALUE_BYTES, pattern=f"^{_VALUE.pattern}$")],
    ],
    Meta(min_length=1, max_length=MOST_HEADERS, description="Headers and their values."),
]
_Bearer = Annotated[
    str,
    Meta(
        max_length=MOST_VALUE_BYTES,
        pattern=f"^{_TOKEN.pattern}$",
        description="A token: `Authorization: Bearer ...`.",
    ),
]
_Basic = Annotated[
    str,
    Meta(
        max_length=MOST_BASIC,
        pattern=f"^{_BASIC.pattern}$",
        description="`user:password`: `Authorization: Basic ...`.",
    ),
]


class Credential(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """What one host is sent: one of the three."""

    headers: _Headers | UnsetType = UNSET
    bearer: _Bearer | UnsetType = UNSET
    basic: _Basic | UnsetType = UNSET

    def __repr__(self) -> str:
        return "Credential(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def lines(self) -> tuple[str, ...]:
        """The header lines, `Name: value` in printable ASCII; raises ValueError, which quotes no value."""
        if [self.headers, self.bearer, self.basic].count(UNSET) != 2:
            raise ValueError("write one of headers, bearer and basic")
        if self.bearer == _METADATA_TOKEN:
            raise ValueError("bearer: this one opens a metadata service")
        if self.bearer is not UNSET:
            return (f"Authorization: Bearer {_checked(self.bearer, _TOKEN, 'bearer')}",)
        if self.basic is not UNSET:
            return (f"Authorization: Basic {_encoded(self.basic)}",)
        if self.headers is UNSET or not self.headers:
            raise ValueError("headers: there is none")
        if len(self.headers) > MOST_HEADERS:
            raise ValueError(f"there are {len(self.headers)} headers, more than {MOST_HEADERS}")
        if len({name.lower() for name in self.headers}) < len(self.headers):
            raise ValueError("headers: one is there twice")
        return tuple(_line(name, value) for name, value in self.headers.items())


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
    if len(user_and_password) > MOST_BASIC or _BASIC.fullmatch(user_and_password) is None:
        raise ValueError(
            f"basic: write user:password, {MOST_BASIC} characters at most, none of them a control"
        )
    try:
        return base64.b64encode(user_and_password.encode()).decode()
    except UnicodeEncodeError:
        raise ValueError("basic: it is not valid Unicode") from None
