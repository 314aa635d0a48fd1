"""The caller that a request counts for, in rate limits and quotas: its key, or else its address."""

from ipaddress import IPv6Address
from typing import Any

from litestar import Request
from litestar.types import Scope

from retailpulse.domain.api_keys import ApiKey
from retailpulse.domain.api_keys import Scope as KeyScope
from retailpulse.web.errors import Forbidden
from retailpulse.web.scope_notes import note

_CALLER, _KEY, _OPEN = "retailpulse.caller", "retailpulse.key", "retailpulse.open"


def name_caller(scope: Scope, key: ApiKey) -> None:
    """Notes in a request's scope which key it has used."""
    note(scope, _CALLER, key.key_id)
    note(scope, _KEY, key)


def api_key_of(scope: Scope) -> ApiKey | None:
    """The key that a request has used, itself or by its session; None if it used none."""
    found = scope.get(_KEY)
    return found if isinstance(found, ApiKey) else None


def allow_all(scope: Scope) -> None:
    """Notes in a request's scope that the service has no keys, so that everybody may do everything."""
    note(scope, _OPEN, True)


def may(scope: Scope, needed: KeyScope) -> bool:
    """Whether a request may do what needs this scope; not while it is unknown whose it is."""
    key = api_key_of(scope)
    return bool(scope.get(_OPEN)) if key is None else key.allows(needed)


def check_scope(request: Request[Any, Any, Any], needed: KeyScope) -> None:
    """Raises Forbidden if the request has used a key without this scope: where a path alone cannot tell."""
    key = api_key_of(request.scope)
    if key is not None and not key.allows(needed):
        raise Forbidden(f"this key lacks the scope {needed}", scope=needed)


def key_of(scope: Scope) -> str | None:
    """The id of the key that a request has used; None if it used none."""
    found = scope.get(_CALLER)
    return None if found is None else str(found)


def key_name_of(scope: Scope) -> str | None:
    """The name of the key that a request has used; None if it used none."""
    found = api_key_of(scope)
    return None if found is None else found.name


def caller_of(scope: Scope) -> str:
    """The caller that a request counts for: its key, or else its address."""
    return str(key_of(scope) or address_of(scope["client"]))


def address_of(client: tuple[str, int] | None) -> str:
    """The caller that an address counts for: a /64 network of IPv6 is one, as one host has all of it."""
    host = client[0] if client else ""
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address.ipv4_mapped or int(address) >> 64)
