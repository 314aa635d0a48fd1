"""The one table in which errors become HTTP answers, and the shape of an answer that refuses."""

import logging
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_404_NOT_FOUND,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from retailpulse.domain.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    NotFound,
    RetailPulseError,
    TooLarge,
)

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

STATUS_BY_ERROR: dict[type[RetailPulseError], int] = {
    TooLarge: HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    InvalidRequest: HTTP_400_BAD_REQUEST,
    NotFound: HTTP_404_NOT_FOUND,
    DatabaseUnavailable: HTTP_503_SERVICE_UNAVAILABLE,
}


def refuse(status: int, error: str) -> Response[dict[str, str]]:
    """An answer that says what is wrong."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTP_503_SERVICE_UNAVAILABLE else {}
    return Response({"error": error}, status_code=status, media_type=MediaType.JSON, headers=headers)


def answer_known(_: Request[Any, Any, Any], error: RetailPulseError) -> Response[dict[str, str]]:
    """Answers an error of ours by the table."""
    for kind, status in STATUS_BY_ERROR.items():
        if isinstance(error, kind):
            public = "the database cannot take it now; try again later" if status == 503 else str(error)
            if status == HTTP_503_SERVICE_UNAVAILABLE:
                logger.warning("%s", error)
            return refuse(status, public)
    return answer_unknown(_, error)


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, str]]:
    """Answers an error of the framework: an unknown path, a method that a path does not have."""
    if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        return refuse(error.status_code, "the body is larger than this service accepts; send it in parts")
    if error.status_code == HTTP_404_NOT_FOUND:
        return refuse(error.status_code, f"there is nothing at {request.url.path}")
    return refuse(error.status_code, error.detail)


def answer_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answers an error that nobody foresaw: logged whole, told to the client without its inside."""
    logger.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    return refuse(HTTP_500_INTERNAL_SERVER_ERROR, "an unexpected error; the service's log says more")
