"""Masks secrets in what is logged or exported: values of queries, credentials in URLs, tokens, keys.

Weak: a secret that stands in a sentence, with no name before it, is not recognised.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "*"
_SECRET_NAME = re.compile(
    r"authori[sz]ation|cookie|credential|password|passwd|secret|signature|token|api[_-]?key", re.IGNORECASE
)
_RULES = (
    # user:password@ of a URL
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@", re.IGNORECASE), rf"\1{MASK}@"),
    # a query or fragment of a URL that is no list of names and values
    (
        re.compile(r"([a-z][a-z0-9+.-]*://[^\s?#\"'<>]*[?#])[^=&\s\"'<>]+(?=[&\s\"'<>]|$)", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    # values of a query, of a URL or of a path alone
    (re.compile(r"([?&#][^=&?#\s\"'<>]{1,200}=)[^&#\s\"'<>]*"), rf"\1{MASK}"),
    # what is sent with a request
    (re.compile(r"\b(bearer|basic|digest) +[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # API keys of the service, and secrets that callbacks are signed with
    (re.compile(r"\b(rp_[0-9a-f]{12}_)[0-9a-f]+"), rf"\1{MASK}"),
    (re.compile(r"\b(whsec_)[\w+/=-]+"), rf"\1{MASK}"),
    # names and values: of a connection string, of JSON, of a header
    (
        re.compile(
            r"\b([\w-]*(?:password|passwd|secret|signature|token|credential|api[_-]?key|access[_-]key[_-]id)"
            r"[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;*][^\s\"'&,;]*",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)
_MAY_HOLD_ONE = re.compile(r"[?=@:]|bearer|basic|digest|rp_|whsec_", re.IGNORECASE)


def redact_text(text: str) -> str:
    """A text with each secret in it replaced by a mask; names stay."""
    if _MAY_HOLD_ONE.search(text) is None:
        return text
    for pattern, masked in _RULES:
        text = pattern.sub(masked, text)
    return text


def redact_fields(fields: Mapping[Any, object]) -> dict[str, Any]:
    """Fields without secrets: those that are named like one are masked whole."""
    return {
        str(name): MASK if _SECRET_NAME.search(str(name)) and value is not None else redact(value)
        for name, value in fields.items()
    }


def redact(value: object) -> object:
    """A value of a field, however it is nested, without secrets; objects become their text."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [redact(within) for within in value]
    return redact_text(str(value))
