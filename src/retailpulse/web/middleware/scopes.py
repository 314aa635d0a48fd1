"""Which scope a request needs: decided by method and path alone, before anything else is read."""

from retailpulse.domain.api_keys import Scope

PUBLIC = ("/health", "/problems", "/docs", "/openapi.json", "/assets", "/sign-in", "/sign-out", "/choices")
"""What says nothing about anybody's data, with all that is below it."""
HEALTH = PUBLIC[:1]
METRICS = "/metrics"
SYSTEM = "/system"
"""Pages of the dashboard: what they change is for `admin`."""
KEYS = "/system/keys"
DEBUG = "/debug"
"""What looks into processes."""
ADMINISTERED = (KEYS, "/system/settings", "/system/profile", DEBUG)
"""What `admin` alone may see."""
CALLBACKS = "/system/callbacks"
"""Of these what `submit` may change, as by the API."""
IMPORT = "/import"
"""The page that loads stores, which is for `admin` as by the API."""
SIGN_IN = "/sign-in"
COOKIES = (SIGN_IN, "/sign-out", "/choices")
"""Pages that give a browser a cookie, or take it away."""
_API = ("/api", "/metrics")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_BY_METHOD = {"GET": Scope.READ, "HEAD": Scope.READ, "OPTIONS": Scope.READ, "POST": Scope.SUBMIT}


def needed_scope(method: str, path: str, *, open_metrics: bool = False) -> Scope | None:
    """The scope that a request needs; None: it needs no key.

    Every method that is not named here, and every path that does not exist, needs one: so a new route is
    never open by oversight. Decisions on photos need one of their own, however their path is written.
    """
    path = routed(path)
    if is_below(path, PUBLIC) or (open_metrics and is_below(path, (METRICS,))):
        return None
    is_change = method == "POST" and is_below(path, (SYSTEM, IMPORT)) and not is_below(path, (CALLBACKS,))
    if is_change or is_below(path, ADMINISTERED):
        return Scope.ADMIN
    if method not in _READS and _is_of_reviews(path):
        return Scope.REVIEW
    return _BY_METHOD.get(method, Scope.ADMIN)


def routed(path: str) -> str:
    """A path as the router sees it, which passes over empty parts: `//system/keys/` is `/system/keys`."""
    return "/" + "/".join(filter(None, path.split("/")))


def is_page(path: str) -> bool:
    """Whether a browser that asks for this wants a page of the dashboard, and may be sent to sign in."""
    return not is_below(routed(path), _API)


def _is_of_reviews(path: str) -> bool:
    """Whether a path leads to what people decide."""
    match path.split("/"):
        case (
            ["", "review", *_]
            | ["", "api", "v1", "review"]
            | ["", "api", "v1", "jobs", _, "images", _, "review"]
        ):
            return True
    return False


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Whether a path is one of these or lies below one."""
    return path.startswith(roots) and any(path == root or path.startswith(f"{root}/") for root in roots)
