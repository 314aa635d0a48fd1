"""The cookie of a browser that has signed in: sent to this service alone, and never read by a script."""

from litestar import Request
from litestar.types import HTTPScope

from retailpulse.service.sessions import LIFETIME

NAME = "retailpulse_session"


def read_cookie(scope: HTTPScope) -> str | None:
    """What the cookie of a request holds; None if it has none."""
    return Request(scope).cookies.get(NAME) or None


def set_cookie(held: str, *, is_secure: bool) -> str:
    """The header that gives the cookie to a browser, for as long as the session lasts."""
    age = int(LIFETIME.total_seconds())
    return f"{NAME}={held}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{'; Secure' if is_secure else ''}"


def clear_cookie() -> str:
    """The header that takes the cookie away."""
    return f"{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
