"""Checks a URL and writes it as a browser would: escaped path, ASCII host, no fragment.

What it resolves to is not looked at here: that is decided on the address that is dialled.
Weak: hosts follow IDNA 2008, so a few names that browsers still take (emoji) are refused.
"""

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

import idna
import msgspec

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.domain.object_stores import parse_object_url

MAX_URL_BYTES = 8_192
"""Longest URL that is taken, and that is asked for: escaping makes it longer."""

# Nearly every URL is plain already and takes one match; the others take the longer way below.
_PLAIN = re.compile(
    r"(https?)://([a-z0-9][a-z0-9._-]{0,252})(?::([1-9][0-9]{0,4}))?/[A-Za-z0-9/._~%!$&()*+,;=:@?-]*"
)
_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[/\\]{2}([^/\\?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"[a-z0-9._-]{1,253}")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What the URL Standard leaves bare in a path and in a query, next to letters, digits and "-._~".
_PATH_SAFE = "/%!$&'()*+,;=:@[]|\\"
_QUERY_SAFE = "/%!$&()*+,;=:@[]|\\?{}`^"


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The host that a URL asks: limits are counted by it.

    `key` is its name for all workers: `scheme://host:port`, without a last dot of the host.
    """

    scheme: str
    host: str
    port: int
    key: str

    @classmethod
    def of(cls, scheme: str, host: str, port: int) -> "Origin":
        """The origin of a scheme, a host in ASCII, and a port."""
        return cls(scheme, host, port, f"{scheme}://{host.removesuffix('.')}:{port}")


class SecretHeaders(msgspec.Struct, frozen=True, gc=False):
    """Header lines that no text may show."""

    lines: tuple[str, ...] = ()
    url_is_secret: bool = False  # what is signed is as good as a secret

    def __repr__(self) -> str:
        return f"SecretHeaders({len(self.lines)} lines)"

    def __bool__(self) -> bool:
        return bool(self.lines) or self.url_is_secret


NO_HEADERS = SecretHeaders()


class Target(msgspec.Struct, frozen=True, gc=False):
    """A URL that may be asked for, in plain ASCII, and what its origin alone is sent."""

    url: str
    origin: Origin
    headers: SecretHeaders = NO_HEADERS

    def __repr__(self) -> str:
        return f"Target({self.origin.key})"


def parse_target(url: str) -> Target:
    """Check and normalise a URL from outside; raises ImageError(bad_url)."""
    plain = _PLAIN.fullmatch(url)
    if plain is None or len(url) > MAX_URL_BYTES:
        return _rewritten(url)
    return Target(url, _plain_origin(*plain.groups()))


def origin_key(url: str) -> str | None:
    """The key of the host that a URL asks, of the bucket of an object; None for a URL that is not fetched."""
    found = parse_object_url(url)
    if found is not None:
        return found.origin
    try:
        return parse_target(url).origin.key
    except ImageError:
        return None


@lru_cache(maxsize=4_096)
def _plain_origin(scheme: str, host: str, port: str | None) -> Origin:
    return Origin.of(scheme, host, _port(port, scheme))


def follow(target: Target, location: bytes) -> Target:
    """The target of a redirect; raises ImageError(bad_url) if it may not be followed.

    Within an origin its headers go along. Once it is left none are sent any more, not even back there:
    otherwise another host could say which of its URLs is asked for with them.
    """
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    try:
        found = parse_target(_resolved(target.url, text.strip()))
    except ImageError as error:
        raise _bad(f"redirected to a URL that cannot be fetched: {error.detail}") from None
    return Target(found.url, found.origin, target.headers) if found.origin == target.origin else found


def _resolved(base: str, reference: str) -> str:
    """A reference as browsers resolve it (URL Standard): empty segments stay, and so does a bare "?".

    `base` is the URL of a target, so it has a path.
    """
    if _SCHEME.match(reference):
        return reference
    scheme, _, rest = base.partition("://")
    authority, _, place = rest.partition("/")
    path, mark, query = f"/{place}".partition("?")
    new_path, new_mark, new_query = reference.partition("#")[0].partition("?")
    new_path = new_path.replace("\\", "/")
    if new_path.startswith("//"):
        return f"{scheme}:{new_path}{new_mark}{new_query}"
    if not new_path:
        return f"{scheme}://{authority}{path}{new_mark or mark}{new_query if new_mark else query}"
    if not new_path.startswith("/"):
        new_path = path[: path.rindex("/") + 1] + new_path
    return f"{scheme}://{authority}{_without_dots(new_path)}{new_mark}{new_query}"


def _without_dots(path: str) -> str:
    """A path whose segments "." and ".." are gone, also where these are escaped."""
    kept: list[str] = []
    *folders, last = path.split("/")[1:]
    for segment in folders:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            kept[-1:] = []
        elif dots != ".":
            kept.append(segment)
    dots = last.lower().replace("%2e", ".")
    if dots == "..":
        kept[-1:] = []
    kept.append("" if dots in {".", ".."} else last)
    return "/" + "/".join(kept)


def _rewritten(url: str) -> Target:
    text = _cleaned(url)
    form = _FORM.fullmatch(text)
    if form is None:
        raise _bad("not a URL of the form http://host/path")
    scheme, authority, path, query = form.groups()
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise _bad("only http and https URLs are fetched")
    if "@" in authority:
        raise _bad("a URL with a user name or password is not fetched")
    host, port = _host_and_port(authority)
    origin = Origin.of(scheme, host, _port(port, scheme))
    place = quote(path.replace("\\", "/") or "/", safe=_PATH_SAFE) + quote(query or "", safe=_QUERY_SAFE)
    asked = f"{scheme}://{host}{':' + port if port else ''}{place}"
    if len(asked) > MAX_URL_BYTES:
        raise _bad("the URL is longer than 8 kB once it is escaped")
    return Target(asked, origin)


def _cleaned(url: str) -> str:
    """The URL without the white space that browsers drop: around it, and line breaks and tabs within."""
    try:
        size_bytes = len(url.encode())
    except UnicodeEncodeError:
        raise _bad("the URL is not valid Unicode") from None
    if size_bytes > MAX_URL_BYTES:
        raise _bad("the URL is longer than 8 kB")
    return re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(0x21)))))


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        literal, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad("the host of the URL is not valid")
        return _ipv6(literal), rest[1:]
    host, _, port = authority.partition(":")
    return _name(host), port


def _ipv6(literal: str) -> str:
    try:
        address = IPv6Address(literal)
    except ValueError:
        raise _bad("the host of the URL is not valid") from None
    if address.scope_id is not None:
        raise _bad("an address with a zone is not fetched")
    return f"[{address.compressed}]"


def _name(host: str) -> str:
    name = unquote(host)
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            raise _bad("the host name of the URL is not valid") from None
    name = name.lower()
    if _HOST.fullmatch(name) is None:
        raise _bad("the host name of the URL is not valid" if name else "the URL has no host")
    return name


def _port(port: str | None, scheme: str) -> int:
    if not port:
        return _DEFAULT_PORTS[scheme]
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or not 0 < int(port) < 65_536:
        raise _bad("the port of the URL is not valid")
    return int(port)


def _bad(detail: str) -> ImageError:
    return ImageError(Cause.BAD_URL, detail, tries=0)
