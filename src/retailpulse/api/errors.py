"""The one table in which errors become HTTP answers; what these look like is `problems`'."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_404_NOT_FOUND,
    HTTP_406_NOT_ACCEPTABLE,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from retailpulse.api.problems import refuse
from retailpulse.domain.errors import (
    Busy,
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    InvalidRequest,
    NotAvailable,
    NotFound,
    RetailPulseError,
    TooLarge,
    UnsupportedMediaType,
)

logger = logging.getLogger(__name__)

CUT_OFF = "client disconnected prematurely"
"""What the framework calls a body that ends too early; it has no class of its own for it."""

STATUS_BY_ERROR: dict[type[RetailPulseError], int] = {
    TooLarge: HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    NotAvailable: HTTP_406_NOT_ACCEPTABLE,
    UnsupportedMediaType: HTTP_415_UNSUPPORTED_MEDIA_TYPE,
    InvalidRequest: HTTP_400_BAD_REQUEST,
    NotFound: HTTP_404_NOT_FOUND,
    Conflict: HTTP_409_CONFLICT,
    Busy: HTTP_503_SERVICE_UNAVAILABLE,
    DatabaseError: HTTP_503_SERVICE_UNAVAILABLE,
}


def answer_known(request: Request[Any, Any, Any], error: RetailPulseError) -> Response[dict[str, Any]]:
    """Answers an error of ours by the table."""
    for kind, status in STATUS_BY_ERROR.items():
        if isinstance(error, kind):
            if status == HTTP_503_SERVICE_UNAVAILABLE:
                logger.warning("%s", error)
            away = isinstance(error, DatabaseUnavailable)  # its text may name hosts and users
            text = "the database cannot take it now; try again later" if away else str(error)
            return refuse(request.scope, status, text)
    return answer_unknown(request, error)


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """Answers an error of the framework: an unknown path, a parameter of the wrong type."""
    status, text = error.status_code, error.detail
    members: dict[str, Any] = {}
    if status == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        text = "the body is larger than this service accepts; send it in parts"
    elif status == HTTP_404_NOT_FOUND:
        text = f"there is nothing at {request.url.path}"
    elif isinstance(error, ValidationException) and isinstance(error.extra, list):
        wrong = [{"name": str(part.get("key")), "reason": str(part.get("message"))} for part in error.extra]
        text = "; ".join(f"{part['name']}: {part['reason']}" for part in wrong)
        members = {"parameters": wrong}
    elif isinstance(error, InternalServerException):
        if text != CUT_OFF:
            return answer_unknown(request, error)
        status, text = HTTP_400_BAD_REQUEST, "the body ended before it was whole"
    return refuse(request.scope, status, text, headers=error.headers or {}, members=members)


def answer_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answers an error that nobody foresaw: logged whole, told to the client without its inside."""
    logger.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    text = "an unexpected error; the service's log says more"
    return refuse(request.scope, HTTP_500_INTERNAL_SERVER_ERROR, text)
