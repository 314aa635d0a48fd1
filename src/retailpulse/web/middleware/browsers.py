"""What is known of a browser from its request: whether it wants a page, and which page it comes from."""

from urllib.parse import quote, urlsplit

from litestar.types import HTTPScope

from retailpulse.web.middleware.scopes import SIGN_IN, is_page

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


def header(scope: HTTPScope, name: bytes) -> bytes:
    """The first header with this name in small letters; empty if there is none."""
    return next((value for known, value in scope["headers"] if known == name), b"")


def wants_page(scope: HTTPScope) -> bool:
    """Whether a browser asks for a page of the dashboard, or sends a form of one."""
    return b"text/html" in header(scope, b"accept") and is_page(scope["path"])


def page_of(scope: HTTPScope) -> str:
    """The page that a person looks at: what is asked for, or the page of this service whose form it is."""
    if scope["method"] in _WITHOUT_BODY:
        query = scope["query_string"].decode("latin-1")
        return scope["path"] + (f"?{query}" if query else "")
    try:
        came_from = urlsplit(header(scope, b"referer").decode("latin-1"))
    except ValueError:
        return "/"
    if came_from.netloc.encode("latin-1") != header(scope, b"host") or not came_from.path.startswith("/"):
        return "/"
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def sign_in_first(scope: HTTPScope) -> bytes:
    """Where a browser goes that must sign in, and from there back to the page that a person looks at.

    The page says so if a form was sent: what it was to change is not changed.
    """
    lost = "" if scope["method"] in _WITHOUT_BODY else "&lost=1"
    return f"{SIGN_IN}?to={quote(page_of(scope), safe='')}{lost}".encode()
