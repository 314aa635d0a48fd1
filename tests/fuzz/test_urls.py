"""URLs: what comes out is plain, and every parser sees the host in it that we checked.

Judged by `urllib.parse` and by libcurl's own parser, which reads the URL again when it dials.
"""

import re
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pycurl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.target.urls import MAX_URL_BYTES, Origin, Target, follow, parse_target
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.spelling import URLS, plain_urls

_PLAIN = re.compile(r"https?://[!-~]+")
_LOCATIONS = st.one_of(
    URLS.map(lambda url: url.encode("utf-8", "surrogatepass")),
    URLS.map(lambda url: url.encode("latin-1", "replace")),
    st.binary(max_size=40),
    st.tuples(st.sampled_from((b"//", b"/", b"\\\\", b"http:", b"?", b"///")), st.binary(max_size=12)).map(
        b"".join
    ),
)


def check(target: Target) -> None:
    """Hold a URL that would be fetched to all that we promise of it."""
    assert _PLAIN.fullmatch(target.url), target
    assert len(target.url) <= MAX_URL_BYTES
    assert parse_target(target.url) == target
    split = urlsplit(target.url)
    assert split.username is None and split.password is None, target
    port = split.port or {"http": 80, "https": 443}[split.scheme]
    host = f"[{split.hostname}]" if ":" in (split.hostname or "") else split.hostname
    assert Origin.of(split.scheme, host or "", port) == target.origin
    check_as_libcurl(target)


def check_as_libcurl(target: Target) -> None:
    try:
        seen = pycurl.CurlUrl(target.url)
    except pycurl.error:
        return  # refused there: it is not dialled at all
    assert (seen.user, seen.password, seen.options, seen.zoneid) == (None,) * 4, target
    port = int(seen.getpart(pycurl.UPART_PORT, pycurl.U_DEFAULT_PORT))
    assert (seen.scheme, port) == (target.origin.scheme, target.origin.port), target
    assert dialled(seen.host) == dialled(target.origin.host), (seen.host, target)


def dialled(host: str) -> str:
    """A host as it is resolved: libcurl writes 0x7f.1 as 127.0.0.1 itself."""
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
    if host.startswith("["):
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host[1:-1]))
    return host


@share(0.08)
@given(url=URLS)
def test_a_url_is_refused_or_every_parser_sees_what_was_checked(counter: CaseCounter, url: str) -> None:
    counter.count("URLs")
    try:
        target = parse_target(url)
    except ImageError as error:
        assert error.cause is Cause.BAD_URL
    else:
        check(target)


@share(0.05)
@given(start=plain_urls(), location=_LOCATIONS)
def test_a_redirect_is_refused_or_every_parser_sees_what_was_checked(
    counter: CaseCounter, start: tuple[str, Origin], location: bytes
) -> None:
    counter.count("redirects")
    try:
        target = follow(parse_target(start[0]), location)
    except ImageError as error:
        assert error.cause is Cause.BAD_URL
    else:
        check(target)


@share(0.02)
@given(plain=plain_urls())
def test_a_plain_url_is_taken_as_it_is(counter: CaseCounter, plain: tuple[str, Origin]) -> None:
    counter.count("plain URLs")
    assert parse_target(plain[0]) == Target(*plain)


@share(0.01)
@given(data=st.data(), user=st.sampled_from(("u@", "u:p@", "@", ":@", "a.example:80@", "u%40@")))
def test_a_url_with_credentials_is_refused(counter: CaseCounter, data: st.DataObject, user: str) -> None:
    counter.count("credentials")
    url, *_ = data.draw(plain_urls(user))
    with pytest.raises(ImageError, match="user name or password"):
        parse_target(url)
