"""Masks secrets in what is logged or exported: values of queries, credentials in URLs, cookies, tokens, keys.

Each pattern has a bounded reach, so that no text makes it slow. Weak: a secret that stands in a sentence,
with no name before it, is not recognised.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MASK = "*"
_SECRET_NAME = re.compile(
    r"authori[sz]ation|cookie|credential|password|passwd|passphrase|secret|signature|token|bearer"
    r"|(?:api|access|account|private|session)[ _-]?key"
    r"|^(?:auth|basic|pass|pwd|sas|session(?:[ _-]?id)?|sig)$",
    re.IGNORECASE,
)
_SCHEME = r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,31}:(?:[/\\]{1,2})"
# A URL in quotes ends with its quote; the quotes in another one belong to it.
_URL = re.compile(
    rf"(?<=')({_SCHEME})([^\s'<>]*)|(?<=\")({_SCHEME})([^\s\"<>]*)|({_SCHEME})([^\s<>]*)", re.IGNORECASE
)
_PATH = re.compile(r"(?<![\w:/.~%*\\-])(/[^\s?#\"'<>]{0,2000})([?][^\s\"'<>]+)")
_AUTHORITY = re.compile(r"[^/?#\\]*")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")
_PARAMETER = re.compile(r"(;[\w-]{1,64}=)[^/;]*")
_QUERY_NAME = re.compile(r"[\w.~%+*\[\]:-]{1,64}")
_QUOTED = r"[bru]?(?:\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?)|\\[\"'][^\"'\\]*"
_OPENING = re.compile(r"\\?[\"']|[bru][\"']", re.IGNORECASE)


def _mask_value(found: re.Match[str]) -> str:
    """A name, what is between, how the value is to be used, and the value, which keeps its quotes."""
    *kept, value = (part or "" for part in found.groups())
    opening = _OPENING.match(value)
    if opening is None:
        return "".join((*kept, MASK))
    quote = opening[0][-1]
    closing = quote if value[opening.end() :].endswith(quote) else ""
    return "".join((*kept, opening[0], MASK, closing))


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # headers whose whole value is secret, also those of a list of pairs
    (
        re.compile(
            r"(authori[sz]ation|cookie)((?:[\"']\s{0,8},|[\"']?\s{0,8}[:=])\s{0,8}(?![\s=:]))"
            rf"((?:bearer|basic|digest)\b\s{{1,8}})?({_QUOTED}|[^\n]*)",
            re.IGNORECASE,
        ),
        _mask_value,
    ),
    # a URL in a value of another one
    (re.compile(r"(%3A%2F%2F)[^&\s\"'<>]*", re.IGNORECASE), rf"\1{MASK}"),
    # values of a query without its path
    (re.compile(r"([?&#][^=&?#\s\"'<>]{1,200}=)[^&#\s\"'<>]*"), rf"\1{MASK}"),
    # user:password@host without a scheme
    (re.compile(r"(?<![\w.%+@-])[\w.%+-]{0,64}:[^\s/@\"'<>:*]{1,200}@(?=[\w\[])"), f"{MASK}@"),
    # what is sent with a request
    (re.compile(r"\b(bearer|basic|digest) +[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # API keys of the service, and secrets that callbacks are signed with
    (re.compile(r"\b(rp_[0-9a-z]{12}_)\w+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(whsec_)[\w+/=-]+", re.IGNORECASE), rf"\1{MASK}"),
    # names and values: of a connection string, of JSON, of a header
    (
        re.compile(
            r"((?:password|passwd|passphrase|secret|signature|token|credential"
            r"|(?:api|access|account|private|session)[ _-]?key)[\w-]{0,64}"
            r"|\b(?:auth|basic|bearer|pass|pwd|sas|session(?:[ _-]?id)?|sig))"
            rf"([\"']?\s{{0,8}}[=:]\s{{0,8}})()({_QUOTED}|[^\s\"'][^\s\"'&,;]*)",
            re.IGNORECASE,
        ),
        _mask_value,
    ),
)
_MAY_HOLD_ONE = re.compile(r"[?=@:%]|authori|cookie|bearer|basic|digest|rp_|whsec_", re.IGNORECASE)


def redact_text(text: str) -> str:
    """A text with each secret in it replaced by a mask; names stay."""
    if _MAY_HOLD_ONE.search(text) is None:
        return text
    text = _URL.sub(_mask_url, text)
    text = _PATH.sub(lambda found: found[1] + _mask_query(found[2]), text)
    for pattern, masked in _RULES:
        text = pattern.sub(masked, text)
    return text


def redact_fields(fields: Mapping[Any, object]) -> dict[str, Any]:
    """Fields without secrets: those that are named like one are masked whole."""
    return {redact_text(str(name)): _redact_named(name, value) for name, value in fields.items()}


def redact(value: object) -> object:
    """A value of a field, however it is nested, without secrets; objects become their text."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        if len(value) == 2 and isinstance(value[0], str | bytes):  # a header, perhaps
            return [redact(value[0]), _redact_named(value[0], value[1])]
        return [redact(within) for within in value]
    return redact_text(str(value))


def _redact_named(name: object, value: object) -> object:
    return MASK if value is not None and _SECRET_NAME.search(_text(name)) else redact(value)


def _text(name: object) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _mask_url(found: re.Match[str]) -> str:
    scheme, rest = (part for part in found.groups() if part is not None)
    authority = _AUTHORITY.match(rest)
    host = "" if authority is None else authority[0]
    if "@" in host:
        rest = f"{MASK}@{host.rpartition('@')[2]}{rest[len(host) :]}"
    elif "@" in rest and _HOST.fullmatch(host) is None:  # a password with a slash in it
        rest = f"{MASK}@{rest.rpartition('@')[2]}"
    start = re.search(r"[?#]", rest)
    path, query = (rest, "") if start is None else (rest[: start.start()], rest[start.start() :])
    return scheme + _PARAMETER.sub(rf"\1{MASK}", path) + _mask_query(query)


def _mask_query(query: str) -> str:
    """A query with its `?`, and a fragment: names stay if they have values."""
    return "".join(
        part if part in ("?", "&", "#") else _mask_pair(part) for part in re.split(r"(^\?|[&#])", query)
    )


def _mask_pair(pair: str) -> str:
    name, _, value = pair.partition("=")
    return f"{name}={MASK}" if value and _QUERY_NAME.fullmatch(name) else pair and MASK
