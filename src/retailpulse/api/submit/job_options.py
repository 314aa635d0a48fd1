"""What a client may say of a job beside its visits, in a body or a query, and what is wrong with it.

A query may say all of it, whatever the body is; what a body says itself goes before.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from litestar.datastructures import MultiDict

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ImageError, InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions
from retailpulse.fetch.target.urls import parse_target

HIGHEST_PRIORITY = 100
MAX_LABELS = 20
MAX_TEXT = 200
"""Most characters of a name and of a label's value."""
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_ONCE = ("depth", "name", "priority", "callback_url")
HEADER = "retailpulse-credentials"
_HEADER_DECODER = msgspec.json.Decoder(dict[str, Credential])
IN_QUERY = frozenset({*_ONCE, "label"})


def check_options(
    *,
    depth: Depth,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    priority: float | None = None,
    callback_url: str | None = None,
    credentials: Mapping[str, Credential] | None = None,
) -> JobOptions:
    """What a job is said to be; raises InvalidRequest naming the field that cannot be accepted."""
    if name is not None:
        _check_text("name", name)
    if priority is not None and not float(priority).is_integer():
        raise InvalidRequest(f"priority: {priority} is no whole number")
    if abs(priority or 0) > HIGHEST_PRIORITY:
        raise InvalidRequest(
            f"priority: {priority} is not between -{HIGHEST_PRIORITY} and {HIGHEST_PRIORITY}"
        )
    labels = labels or {}
    if len(labels) > MAX_LABELS:
        raise InvalidRequest(f"labels: there are {len(labels)}, more than {MAX_LABELS}")
    for label, value in labels.items():
        if _LABEL.fullmatch(label) is None:
            raise InvalidRequest(
                f"labels: {label[:100]!r} is no name of a label; write 1 to 63 letters, digits, _, . or -"
            )
        _check_text(f"labels.{label}", value, may_be_empty=True)
    return JobOptions(
        depth=depth,
        name=name,
        labels=labels,
        priority=int(priority or 0),
        callback_url=None if callback_url is None else _check_url(callback_url),
        credentials=credentials or {},
    )


def read_query(
    query: MultiDict[str], default_depth: Depth, credentials: Mapping[str, Credential] | None = None
) -> JobOptions:
    """The same from the parameters of a query; each but `label` may be there once.

    `credentials` are those of the header: a query would show them.
    """
    if "credentials" in query:
        raise InvalidRequest(
            f"credentials: a query is seen by others; send them in the header {HEADER.title()}"
        )
    for name in _ONCE:
        if len(query.getall(name, [])) > 1:
            raise InvalidRequest(f"{name}: it is there more than once")
    depth = query.get("depth")
    if depth is not None and depth not in set(Depth):
        raise InvalidRequest(f"depth: {depth[:100]!r} is none of {', '.join(Depth)}")
    priority = query.get("priority")
    if priority is not None and re.fullmatch(r"[+-]?[0-9]{1,9}", priority, re.ASCII) is None:
        raise InvalidRequest(f"priority: {priority[:100]!r} is no whole number")
    return check_options(
        depth=default_depth if depth is None else Depth(depth),
        name=query.get("name"),
        labels=_read_labels(query.getall("label", [])),
        priority=None if priority is None else int(priority),
        callback_url=query.get("callback_url"),
        credentials=credentials,
    )


def read_header(texts: Sequence[str]) -> dict[str, Credential]:
    """The credentials in the header `Retailpulse-Credentials`, a JSON object; raises InvalidRequest."""
    if not texts:
        return {}
    if len(texts) > 1:
        raise InvalidRequest("Retailpulse-Credentials: it is there more than once")
    try:
        return _HEADER_DECODER.decode(texts[0])
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"Retailpulse-Credentials: {error}") from None


def _read_labels(texts: Iterable[str]) -> dict[str, str]:
    """The labels of a query; of several values of one name the last counts, as in an object of JSON."""
    labels: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon:
            raise InvalidRequest(f"label: {text[:100]!r} is no label; write name:value")
        labels[name] = value
    return labels


def _check_text(field: str, text: str, *, may_be_empty: bool = False) -> None:
    if not text and not may_be_empty:
        raise InvalidRequest(f"{field}: it is empty")
    if len(text) > MAX_TEXT:
        raise InvalidRequest(f"{field}: it has {len(text)} characters, more than {MAX_TEXT}")
    if "\0" in text:
        raise InvalidRequest(f"{field}: it holds a NUL character")


def _check_url(text: str) -> str:
    """The URL as it will be requested; raises InvalidRequest if it cannot be."""
    try:
        return parse_target(text).url
    except ImageError as error:
        raise InvalidRequest(f"callback_url: {error.detail}") from None
