"""The caller that a request counts for, in rate limits and quotas: its key, or else its address."""

from ipaddress import IPv6Address

from litestar.types import Scope

_CALLER = "retailpulse.caller"
_KEY_NAME = "retailpulse.key_name"


def name_caller(scope: Scope, caller: str, *, key_name: str) -> None:
    """Notes in a request's scope which key it has used, and what that is called."""
    scope[_CALLER] = caller  # type: ignore[literal-required]  # ASGI lets applications add their own
    scope[_KEY_NAME] = key_name  # type: ignore[literal-required]


def key_of(scope: Scope) -> str | None:
    """The id of the key that a request has used; None if it used none."""
    found = scope.get(_CALLER)
    return None if found is None else str(found)


def key_name_of(scope: Scope) -> str | None:
    """The name of the key that a request has used; None if it used none."""
    found = scope.get(_KEY_NAME)
    return None if found is None else str(found)


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
