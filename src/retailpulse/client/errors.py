"""What can go wrong between a client and the service; each error is named by its cause.

    ClientError                 base of all of them
    |- Unreachable              no answer, or the connection broke off
    |- NotRetailPulse           another program answered
    |- BadInput                 the arguments cannot be sent; nothing was
    |- TimedOut                 a job did not end within the time that was given to `wait`
    '- Refused                  the service answered with a problem (RFC 9457)
       |- InvalidRequest        400: a parameter or a field cannot be used
       |  |- MethodNotAllowed   405: this service, another version perhaps, does not do that
       |  |- NotAcceptable      406: there is no such format here
       |  |- TooLarge           413: over a limit of the service
       |  |- UnsupportedMediaType  415: no such format is read here
       |  '- Unprocessable      422: it is well formed, and still cannot be done
       |- Unauthenticated       401: there is no key, or it is not valid
       |- Forbidden             403: the key may not do this
       |- NotFound              404: there is no such job, store or area
       |- RequestTimeout        408: the body came too slowly; nothing was kept
       |- Conflict              409: it contradicts what is already there
       |- TooManyRequests       429: over the rate limit, with `retry_after_seconds`
       |- Unavailable           503: it cannot take it now, with `retry_after_seconds`
       '- InternalError         500: a fault of the service

A problem's `type` decides, not its status: `/problems/not-found` is NotFound. For a type that this client
does not know, and for answers of proxies on the way, the status decides.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from retailpulse.domain.errors import RetailPulseError

_PROBLEMS = "/problems/"


class ClientError(RetailPulseError):
    """Base of all errors of the client."""


class Unreachable(ClientError):
    """The service's address did not answer, or the connection broke off before the answer was complete.

    `was_sent` is False if the request certainly never got there.
    """

    def __init__(self, text: str, *, was_sent: bool) -> None:
        super().__init__(text)
        self.was_sent = was_sent


class NotRetailPulse(ClientError):
    """The answer is none that this client understands: another program, or another version."""


class BadInput(ClientError):
    """What was given to the client cannot be sent; the text says which part of it and why."""


class TimedOut(ClientError):
    """The job did not end in time; it goes on."""


class Refused(ClientError):
    """The service answered with a problem. The text is its detail.

    `status` is that of HTTP, `type` the problem's (`/problems/...`; empty if the answer named none), and
    `members` holds all that the problem said.
    """

    name: ClassVar[str] = ""
    default_status: ClassVar[int] = 0

    def __init__(
        self, text: str, *, status: int, type: str = "", members: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.type = type
        self.members: Mapping[str, Any] = members or {}


class InvalidRequest(Refused):
    """A parameter, a field or a file cannot be used; the text names it."""

    name, default_status = "invalid-request", 400


class MethodNotAllowed(InvalidRequest):
    """This service does not do that: it may be of another version than the client."""

    name, default_status = "method-not-allowed", 405


class NotAcceptable(InvalidRequest):
    """The service does not have it in the format that was asked for."""

    name, default_status = "not-acceptable", 406


class TooLarge(InvalidRequest):
    """It is over a limit of the service: send it in parts."""

    name, default_status = "too-large", 413


class UnsupportedMediaType(InvalidRequest):
    """The service does not read what was sent in this format."""

    name, default_status = "unsupported-media-type", 415


class Unprocessable(InvalidRequest):
    """It is well formed, and still cannot be done."""

    name, default_status = "unprocessable", 422


class Unauthenticated(Refused):
    """The service wants an API key, or the one that was sent is not valid (any more)."""

    name, default_status = "unauthenticated", 401


class Forbidden(Refused):
    """The API key may not do this."""

    name, default_status = "forbidden", 403


class NotFound(Refused):
    """There is no such job, store or area."""

    name, default_status = "not-found", 404


class RequestTimeout(Refused):
    """What was sent came too slowly: send it over a faster connection, or in parts."""

    name, default_status = "request-timeout", 408


class Conflict(Refused):
    """It contradicts what is already there."""

    name, default_status = "conflict", 409


class InternalError(Refused):
    """A fault of the service itself; its log says more."""

    name, default_status = "internal-error", 500


class _Later(Refused):
    """Trying again later helps; `retry_after_seconds` says when, None if the service did not."""

    def __init__(self, text: str, *, retry_after_seconds: float | None = None, **facts: Any) -> None:
        super().__init__(text, **facts)
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(_Later):
    """Over the rate limit of the key or the address."""

    name, default_status = "too-many-requests", 429


class Unavailable(_Later):
    """The service, or a proxy before it, cannot take it now; nothing was done."""

    name, default_status = "unavailable", 503


def _all_kinds(kind: type[Refused]) -> list[type[Refused]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _all_kinds(child))]


_KINDS = _all_kinds(Refused)
_BY_NAME = {kind.name: kind for kind in _KINDS if kind.name}
_BY_STATUS = {kind.default_status: kind for kind in _KINDS if kind.name} | {
    502: Unavailable,
    504: Unavailable,
}


def refused(status: int, reason: str, headers: Mapping[str, str], content: bytes) -> Refused:
    """The error for an answer without success; `reason` is the text if its body, `content`, gives none."""
    members = _members(content)
    kind_name = str(members.get("type", ""))
    known = _BY_NAME.get(kind_name.removeprefix(_PROBLEMS)) if kind_name.startswith(_PROBLEMS) else None
    kind = known or _BY_STATUS.get(status) or (InternalError if status >= 500 else Refused)
    text = str(members.get("detail") or members.get("title") or reason)
    facts: dict[str, Any] = {"status": status, "type": kind_name, "members": members}
    if issubclass(kind, _Later):
        facts["retry_after_seconds"] = _seconds(headers.get("Retry-After", ""))
    return kind(text, **facts)


def _members(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _seconds(text: str) -> float | None:
    """Retry-After in seconds; the service never writes it as a date, and a proxy's date is passed over."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
