"""Signing in with an API key, and out. What a session allows is its key's scopes."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody, own_address
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.service import Sessions
from retailpulse.web.errors import Unauthenticated
from retailpulse.web.middleware.authentication import ApiKeyCache
from retailpulse.web.session_cookie import clear_cookie, read_cookie, set_cookie


@get("/sign-in", include_in_schema=False)
async def sign_in_page(
    request: AnyRequest,
    api_keys: ApiKeyCache,
    to: Annotated[str, QueryParameter(name="to")] = "/",
    lost: Annotated[str, QueryParameter(name="lost")] = "",
) -> Response[bytes]:
    """The form that asks for a key; `lost` says that a form was sent without a session."""
    told = "Your session had ended, so nothing was changed. Sign in, and do it again." if lost else None
    return page(request, "sign_in.html", to=own_address(to), error=told, is_open=api_keys.is_open)


@post("/sign-in", include_in_schema=False)
async def sign_in(
    request: AnyRequest, api_keys: ApiKeyCache, sessions: Sessions, data: FormBody
) -> Response[bytes] | Redirect:
    """Begins a session, and goes on to the page that was asked for."""
    to = own_address(data.get("to", "/"))
    try:
        key = await api_keys.verify(b"Bearer " + data.get("key", "").strip().encode())
    except Unauthenticated:
        return _refused(request, 401, to, "This is no key of the service, or it was revoked or has expired.")
    if not key.allows(Scope.READ):
        return _refused(request, 403, to, "This key may not look at anything: it lacks the scope read.")
    if before := read_cookie(request.scope):
        await sessions.end(before)
    held = await sessions.begin(key.key_id)
    cookie = set_cookie(held, is_secure=request.url.scheme == "https")
    return Redirect(to, status_code=303, headers={"Set-Cookie": cookie})


@post("/sign-out", include_in_schema=False)
async def sign_out(request: AnyRequest, sessions: Sessions) -> Redirect:
    """Ends the session of this browser."""
    if held := read_cookie(request.scope):
        await sessions.end(held)
    return Redirect("/sign-in", status_code=303, headers={"Set-Cookie": clear_cookie()})


def _refused(request: AnyRequest, status: int, to: str, text: str) -> Response[bytes]:
    return page(request, "sign_in.html", status=status, to=to, error=text, is_open=False)
