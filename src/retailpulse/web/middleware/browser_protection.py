"""What protects people whose browser reaches the service: names in Host, other origins, security headers."""

from collections.abc import Iterable

from litestar.types import Message, Send

from retailpulse.domain.errors import InvalidRequest
from retailpulse.web.errors import Forbidden

Header = tuple[bytes, bytes]
_EXPOSED = b"Location, Link, Retry-After, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
_MOST_SEEN = 1_000
_OTHER_SITES = frozenset({b"cross-site", b"same-site"})

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""On every answer that does not say otherwise itself, as the pages of the documentation do."""


def with_headers(send: Send, headers: list[Header]) -> Send:
    """Adds headers to the answer, each unless the answer has one of that name; `Vary` may come again."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message["headers"])
            names = {name.lower() for name, _ in own}
            message["headers"] = [
                *own,
                *(header for header in headers if header[0] == b"vary" or header[0] not in names),
            ]
        await send(message)

    return send_with_headers


class AllowedHosts:
    """The names that requests may use in Host.

    A page of another site can make a browser ask this machine by a name of the page's own (DNS rebinding);
    the name is what gives it away. What sends no name is no browser.
    """

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._names = frozenset(name for name in names if not name.startswith("*."))
        self._ends = tuple(name[1:] for name in names if name.startswith("*."))
        self._takes_any = not names
        self._seen: set[bytes] = set()

    def check(self, host: bytes) -> None:
        """Raises InvalidRequest if requests may not use this name."""
        if self._takes_any or not host or host in self._seen:
            return
        name = _without_port(host.decode("latin-1").lower())
        if name not in self._names and not name.endswith(self._ends or ("\0",)):
            raise InvalidRequest(
                f"Host: this service is not asked for as {name[:100]!r}; "
                "RETAILPULSE_API_ALLOWED_HOSTS names what it may be asked for as"
            )
        if len(self._seen) < _MOST_SEEN:
            self._seen.add(host)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


class Cors:
    """Lets pages of some origins use the API (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes) -> list[Header]:
        """What an answer to a page of this origin says; nothing if it may not read it."""
        if not self._origins:
            return []
        if b"*" in self._origins:
            allowed = [(b"access-control-allow-origin", b"*")]
        elif origin in self._origins:
            allowed = [(b"access-control-allow-origin", origin)]
        else:
            return [(b"vary", b"Origin")]
        return [*allowed, (b"vary", b"Origin"), (b"access-control-expose-headers", _EXPOSED)]

    def check(self, origin: bytes, host: bytes) -> None:
        """Raises Forbidden if a page of this origin may not change anything on a service without keys.

        A browser sends some requests of other sites' pages without asking first. They carry no API key, so
        this is for a service that wants none. A page of the service itself names its Host as its origin.
        """
        own = origin.partition(b"://")[2]
        if origin and own != host and origin not in self._origins and b"*" not in self._origins:
            raise Forbidden(
                f"Origin: pages of {origin.decode('latin-1')[:100]} may not use this service; "
                "RETAILPULSE_API_CORS_ORIGINS names those that may"
            )

    def check_site(self, site: bytes, origin: bytes) -> None:
        """Raises Forbidden if a browser says that a page of another site sends this.

        It says so also if it names no origin. Pages of a sibling domain or another port (`same-site`) are
        no pages of the service either. `none` is a person's doing; what says nothing is no browser.
        """
        if site in _OTHER_SITES and origin not in self._origins and b"*" not in self._origins:
            raise Forbidden(
                "Sec-Fetch-Site: pages of other sites may not use this service; "
                "RETAILPULSE_API_CORS_ORIGINS names those that may"
            )

    def check_own(self, origin: bytes, site: bytes, host: bytes) -> None:
        """Raises Forbidden unless a page of this service itself sends this: for what a cookie allows.

        Browsers say one of both with every request that changes something; what says neither is refused.
        """
        if (host and origin in {b"http://" + host, b"https://" + host}) or (
            not origin and site == b"same-origin"
        ):
            return
        raise Forbidden("a change by a browser that is signed in must come from a page of this service")

    def preflight_headers(self, origin: bytes) -> list[Header]:
        """The headers of the answer to a preflight request; empty if the origin is not allowed."""
        if b"*" not in self._origins and origin not in self._origins:
            return []
        return [
            *self.headers(origin),
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
            (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Last-Event-ID"),
            (b"access-control-max-age", b"600"),
        ]
