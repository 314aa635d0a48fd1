"""The page that says that a key may not do what a page is for, and what to do."""

from litestar import Response
from litestar.status_codes import HTTP_403_FORBIDDEN

from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.web.caller import api_key_of


def without_scope(request: AnyRequest, needed: Scope, what: str) -> Response[bytes] | None:
    """That page if the key of a request lacks a scope; None if it may do it."""
    key = api_key_of(request.scope)
    if key is None or key.allows(needed):
        return None
    return page(request, "scope.html", status=HTTP_403_FORBIDDEN, needed=needed, what=what)
