"""The one table in which errors become HTTP answers; what these look like is `problem_details`'."""

import logging
import re
from collections.abc import Iterable, Mapping
from enum import EnumType
from typing import Any, get_args

from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_405_METHOD_NOT_ALLOWED,
    HTTP_406_NOT_ACCEPTABLE,
    HTTP_408_REQUEST_TIMEOUT,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from retailpulse.domain.errors import (
    Busy,
    CommitUnknown,
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    InvalidRequest,
    NotFound,
    NotProfiled,
    RetailPulseError,
)
from retailpulse.web.errors import (
    Forbidden,
    InvalidRows,
    NotAvailable,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthenticated,
    UnknownParameters,
    UnsupportedMediaType,
)
from retailpulse.web.problem_details import refuse

logger = logging.getLogger(__name__)

CHALLENGE = 'Bearer realm="retailpulse"'
CUT_OFF = "client disconnected prematurely"
"""What the framework calls a body that ends too early; it has no class of its own for it."""

_TYPES = {"int": "a whole number", "str": "a text", "bool": "true or false", "array": "a list"}
_TYPE = re.compile(r"`(\w+)(?: \| null)?`")

STATUS_BY_ERROR: dict[type[RetailPulseError], int] = {
    TooLarge: HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    NotAvailable: HTTP_406_NOT_ACCEPTABLE,
    RequestTimeout: HTTP_408_REQUEST_TIMEOUT,
    UnsupportedMediaType: HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    InvalidRequest: HTTP_400_BAD_REQUEST,
    Unauthenticated: HTTP_401_UNAUTHORIZED,
    Forbidden: HTTP_403_FORBIDDEN,
    RateLimited: HTTP_429_TOO_MANY_REQUESTS,
    NotFound: HTTP_404_NOT_FOUND,
    Conflict: HTTP_409_CONFLICT,
    Busy: HTTP_503_SERVICE_UNAVAILABLE,
    NotProfiled: HTTP_503_SERVICE_UNAVAILABLE,
    DatabaseError: HTTP_503_SERVICE_UNAVAILABLE,
}


def answer_known(request: Request[Any, Any, Any], error: RetailPulseError) -> Response[dict[str, Any]]:
    """The answer to an error of this program, by the table."""
    for kind, status in STATUS_BY_ERROR.items():
        if isinstance(error, kind):
            if status == HTTP_503_SERVICE_UNAVAILABLE:
                logger.warning("%s", error)
            headers, members = _headers(error), _members(error)
            return refuse(request.scope, status, _text(error), headers=headers, members=members)
    return answer_unknown(request, error)


def status_of(error: RetailPulseError) -> int:
    """The status of an error, by the table."""
    for kind, status in STATUS_BY_ERROR.items():
        if isinstance(error, kind):
            return status
    return HTTP_500_INTERNAL_SERVER_ERROR


def _text(error: RetailPulseError) -> str:
    if isinstance(error, DatabaseUnavailable) and not isinstance(error, CommitUnknown):
        return "the database cannot take it now; try again later"  # its own text may name hosts and users
    return str(error)


def _headers(error: RetailPulseError) -> dict[str, str]:
    """What the answer to an error says beside its text (RFC 6750, 3)."""
    match error:
        case Unauthenticated(was_sent=was_sent):
            return {"WWW-Authenticate": CHALLENGE + (', error="invalid_token"' if was_sent else "")}
        case Forbidden(scope=scope) if scope is not None:
            return {"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'}
        case RateLimited(wait_seconds=seconds):
            return {"Retry-After": str(seconds)}
    return {}


def _members(error: RetailPulseError) -> dict[str, Any]:
    """The members of the problem's own; parameters as `answer_http` has them that have a wrong value."""
    match error:
        case UnknownParameters(reasons=reasons):
            return {"parameters": [{"name": name, "reason": why} for name, why in reasons.items()]}
        case InvalidRows(members=members):
            return members
    return {}


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """Answers an error of the framework: an unknown path, a parameter of the wrong type."""
    status, text = error.status_code, error.detail
    members: dict[str, Any] = {}
    headers = dict(error.headers or {})
    if status == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        text = "the body is larger than this service accepts; send it in parts"
        # The rest of the body is not read, so the server ends the connection (RFC 9112, 9.6).
        headers["Connection"] = "close"
    elif status == HTTP_404_NOT_FOUND:
        text = f"there is nothing at {request.url.path}; /docs shows what there is"
    elif status == HTTP_405_METHOD_NOT_ALLOWED:
        text = f"{request.url.path} is not asked with {request.method}; the header Allow names what it takes"
    elif isinstance(error, ValidationException) and isinstance(error.extra, list):
        wrong = [{"name": str(part.get("key")), "reason": _reason(request, part)} for part in error.extra]
        text = "; ".join(f"{part['name']}: {part['reason']}" for part in wrong)
        members = {"parameters": wrong}
    elif isinstance(error, InternalServerException):
        if text != CUT_OFF:
            return answer_unknown(request, error)
        status, text = HTTP_400_BAD_REQUEST, "the body ended before it was whole"
    return refuse(request.scope, status, text, headers=headers, members=members)


def _reason(request: Request[Any, Any, Any], part: Mapping[str, Any]) -> str:
    """Why a parameter is refused, in a client's words."""
    said = _TYPE.sub(lambda found: _TYPES.get(found[1], found[0]), str(part.get("message")))
    return said + _choices(request, part)


def _choices(request: Request[Any, Any, Any], part: Mapping[str, Any]) -> str:
    """The words that a parameter takes, for the text of a refusal."""
    if not str(part.get("message")).startswith("Invalid enum value"):
        return ""
    known = request.route_handler.parsed_fn_signature.parameters.get(str(part.get("key")))
    waiting: list[Any] = [] if known is None else [known.annotation]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, EnumType):
            words: Iterable[Any] = kind.__members__.values()
            return f": write {', '.join(map(str, words))}"
        waiting += get_args(kind)
    return ""


def answer_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answers an unexpected error: the whole of it in the log, none of its details to the client."""
    logger.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    text = "an unexpected error; the service's log says more"
    return refuse(request.scope, HTTP_500_INTERNAL_SERVER_ERROR, text)
