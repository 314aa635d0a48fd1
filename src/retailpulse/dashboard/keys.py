"""API keys: all of them, made, shown once, revoked."""

from datetime import timedelta

from litestar import Response, get, post
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import InvalidRequest
from retailpulse.service import ApiKeys
from retailpulse.web.middleware.authentication import ApiKeyCache

LIFETIMES = {"": "never", "30": "30 days", "90": "90 days", "365": "a year"}
"""After how many days a key expires, and how that reads."""


@get("/system/keys", include_in_schema=False)
async def keys_page(request: AnyRequest, keys: ApiKeys, api_keys: ApiKeyCache) -> Response[bytes]:
    """All keys, and the form that makes one."""
    return await _keys(request, keys, api_keys)


@post("/system/keys", include_in_schema=False)
async def make_key(
    request: AnyRequest, keys: ApiKeys, api_keys: ApiKeyCache, data: FormBody
) -> Response[bytes]:
    """Makes a key, and shows it this once."""
    days = data.get("days", "")
    if days not in LIFETIMES:
        raise InvalidRequest(f"a key ends after {', '.join(filter(None, LIFETIMES))} days, or never")
    scopes = [scope for scope in Scope if data.get(f"scope-{scope}")]
    if not scopes:
        raise InvalidRequest("a key needs a scope at least: choose what it may do")
    lifetime = timedelta(days=int(days)) if days else None
    token, _ = await keys.create(data.get("name", ""), scopes, lifetime)
    return await _keys(request, keys, api_keys, token.text())


@post("/system/keys/{key_id:str}/revoke", include_in_schema=False)
async def revoke_key(keys: ApiKeys, key_id: str) -> Redirect:
    """Revokes a key, which acts within a second."""
    await keys.revoke([key_id])
    return Redirect("/system/keys?done=revoke", status_code=303)


async def _keys(
    request: AnyRequest, keys: ApiKeys, api_keys: ApiKeyCache, made: str | None = None
) -> Response[bytes]:
    found = await keys.all()
    return page(
        request,
        "keys.html",
        tab="keys",
        keys=found,
        made=made,
        scopes=list(Scope),
        lifetimes=LIFETIMES,
        is_open=api_keys.is_open,
    )
