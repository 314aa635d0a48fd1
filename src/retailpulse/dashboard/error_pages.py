"""Errors as pages: in words that say what to do next, with the frame around them, and a way on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_404_NOT_FOUND

from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.errors import CommitUnknown, DatabaseUnavailable, NotFound, RetailPulseError, TooSlow
from retailpulse.web.caller import api_key_of
from retailpulse.web.error_responses import answer_http, answer_known, answer_unknown
from retailpulse.web.errors import Forbidden, RateLimited
from retailpulse.web.middleware.browsers import page_of, wants_page

AGAIN_SECONDS = 5
"""A page that shows that the database is away asks again after so long."""
_READS = frozenset({"GET", "HEAD"})
Answer = Response[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a page says of an error: heading and text; whether it may help to ask for the same again."""

    heading: str
    text: str
    since: datetime | None = None
    may_repeat: bool = False
    again_seconds: int | None = None
    needs_other_key: bool = False


class ErrorPages:
    """The errors of pages; `away_since` tells since when the database is away, None: it is not."""

    def __init__(self, away_since: Callable[[], datetime | None]) -> None:
        self._away_since = away_since

    def known(self, request: AnyRequest, error: RetailPulseError) -> Response[bytes]:
        """The page of an error of this program."""
        return self._page(request, answer_known(request, error), self._words(request, error))

    def http(self, request: AnyRequest, error: HTTPException) -> Response[bytes]:
        """The page of an error of the framework, such as a form that is not whole."""
        return self._page(request, answer_http(request, error), None)

    def unknown(self, request: AnyRequest, error: Exception) -> Response[bytes]:
        """The page of an unexpected error."""
        return self._page(request, answer_unknown(request, error), None)

    def unrouted(self, request: AnyRequest, error: HTTPException) -> Response[Any]:
        """The answer to a path that is not there: a page for a browser, problem details for all others."""
        answer = answer_http(request, error)
        if answer.status_code != HTTP_404_NOT_FOUND or not wants_page(request.scope):
            return answer
        return self._page(
            request, answer, Words(heading="Not found", text="There is no page at this address.")
        )

    def _words(self, request: AnyRequest, error: RetailPulseError) -> Words | None:
        is_read = request.method in _READS
        match error:
            case DatabaseUnavailable() if not isinstance(error, CommitUnknown):
                return Words(
                    heading="The database is away",
                    text="This page is shown again by itself as soon as the database answers."
                    if is_read
                    else "Nothing was changed. Go back and send it again once the database answers.",
                    since=self._away_since(),
                    may_repeat=is_read,
                    again_seconds=AGAIN_SECONDS if is_read else None,
                )
            case TooSlow():
                return Words(heading="This took too long", text=str(error), may_repeat=is_read)
            case RateLimited(wait_seconds=seconds):
                again = seconds if is_read else None
                return Words(heading="Too many requests", text=str(error), again_seconds=again)
            case Forbidden(scope=scope) if scope is not None:
                return Words(
                    heading="Your key may not do this", text=_lacks(request, scope), needs_other_key=True
                )
            case NotFound():
                return Words(heading="Not found", text=str(error))
        return None

    def _page(self, request: AnyRequest, answer: Answer, words: Words | None) -> Response[bytes]:
        content = answer.content
        said = words or Words(
            heading=content.get("title") or "That did not work",
            text=content.get("detail") or content.get("error") or "",
            may_repeat=answer.status_code == 503 and request.method in _READS,
        )
        shown = page(
            request,
            "error.html",
            status=answer.status_code or 500,
            said=said,
            back=page_of(request.scope),
            request_id=content.get("request_id") if answer.status_code == 500 else None,
        )
        shown.headers |= {name: value for name, value in answer.headers.items() if name != "content-type"}
        return shown


def _lacks(request: AnyRequest, scope: str) -> str:
    key = api_key_of(request.scope)
    has = (
        f"The key {key.name} has {', '.join(sorted(key.scopes)) or 'no scope'}"
        if key
        else "Your key is valid"
    )
    return f"{has}; this needs {scope}. Ask who runs the service for a key that has it."
