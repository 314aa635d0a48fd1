"""What parts of the service note in a request's scope for those that come after them."""

from litestar.types import Scope


def note(scope: Scope, name: str, value: object) -> None:
    """Notes a value under a name of our own, as ASGI lets applications do."""
    scope[name] = value  # type: ignore[literal-required]  # Litestar's type knows the names of ASGI alone
