"""Strategies for URLs: hosts spelled in every way that some parser takes, and all the parts around them."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from retailpulse.fetch.target.urls import Origin

_FULL_WIDTH = str.maketrans("0123456789abcdefx.", "０１２３４５６７８９ａｂｃｄｅｆｘ。")
_BASES = ("{:d}", "{:#x}", "{:#X}", "0{:o}", "00{:o}", "{:#010x}")


@st.composite
def numeric_hosts(draw: st.DrawFn, address: int) -> str:
    """An IPv4 address as `inet_aton` reads it: one to four parts, each decimal, octal or hex."""
    parts = draw(st.integers(1, 4))
    numbers = [address >> 24 - 8 * index & 255 for index in range(parts - 1)]
    numbers.append(address & (1 << 32 - 8 * (parts - 1)) - 1)
    return ".".join(draw(st.sampled_from(_BASES)).format(number) for number in numbers)


@st.composite
def disguised(draw: st.DrawFn, host: str) -> str:
    """The same host with some of its characters escaped, of full width or in capitals."""
    forms = st.sampled_from(("as it is",) * draw(st.integers(1, 30)) + ("capital", "escaped", "full width"))
    return "".join(_disguise(letter, draw(forms)) for letter in host)


def _disguise(letter: str, form: str) -> str:
    if form == "escaped":
        return f"%{ord(letter) % 256:02x}"
    return {"capital": letter.upper(), "full width": letter.translate(_FULL_WIDTH)}.get(form, letter)


@st.composite
def ipv6_literals(draw: st.DrawFn, address: int) -> str:
    """An IPv6 form of an IPv4 address in brackets, some with a zone."""
    dotted = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    high, low = f"{address >> 16:x}", f"{address & 0xFFFF:x}"
    form = draw(
        st.sampled_from(
            (
                f"::ffff:{dotted}",
                f"::{dotted}",
                f"0:0:0:0:0:ffff:{high}:{low}",
                f"64:ff9b::{dotted}",
                f"64:ff9b:1::{dotted}",
                f"2002:{high}:{low}::",
                "::1",
                "::",
                "0:0:0:0:0:0:0:1",
                "fe80::1",
            )
        )
    )
    return f"[{form}{draw(st.sampled_from(('', '', '', '%lo', '%25lo', '%1')))}]"


_V4 = st.one_of(st.integers(0, 2**32 - 1), st.just(0x7F000001))
_NAMES = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,10}[a-z0-9])?(\.[a-z][a-z0-9-]{0,10}){1,3}\.?", fullmatch=True)
_BEYOND_ASCII = ("münchen.example", "straße.example", "faß.DE", "日本。jp", "xn--mnchen-3ya.example", "")
_PIECES = (
    *("a", ".", "1", "0x7f", "%2f", "%40", "%23", "%5c", "%3a", "%3f", "%00", "%0a", "%25", "%2e", "%5b"),
    *("／", "＠", "：", "？", "＃", "．", "｡", "\u00ad", "\u200d", "ß", "%e3%80%82", "%c2%ad", "%ef%bc%8f"),
)
_HOSTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), min_size=1, max_size=5).map("".join),
    _NAMES,
    _NAMES.flatmap(disguised),
    _V4.flatmap(numeric_hosts).flatmap(disguised),
    _V4.flatmap(ipv6_literals),
    st.sampled_from(_BEYOND_ASCII),
    st.text(max_size=12),
    st.text("[]:@%.\\/?#\t 01ax", max_size=12),
)
_USERS = st.sampled_from(("", "", "", "", "u@", "u:p@", ":@", "@", "a@b@", "%40", "127.0.0.1:80@"))
_SCHEMES = st.sampled_from(("http", "https", "HTTP", "hTTps", "http", "ftp", "file", "ws", "javascript", ""))
_SLASHES = st.sampled_from(("://", "://", "://", ":\\\\", ":/\\", ":/", ":///", ":", "//", ":\t//"))
_PORTS = st.one_of(
    st.sampled_from(("", "", ":", ":80", ":0", ":00080", ":65535", ":65536", ":-1", ":+80", ":٨٠", ":80:90")),
    st.integers(0, 70_000).map(":{}".format),
    st.text(max_size=3).map(":{}".format),
)
_TEXTS = st.one_of(st.text(max_size=20), st.text("/.%\\@:?#[]&= \t\n\0é２", max_size=20))
_PLACE_STARTS = st.sampled_from(("/", "\\", "/../", "//", "/@", "?", "#", "?@", "#@", ";"))
_PLACES = st.one_of(st.just(""), st.tuples(_PLACE_STARTS, _TEXTS).map("".join))
_ENDS = st.one_of(st.just(""), _TEXTS.map("?{}".format), _TEXTS.map("#{}".format))

STRUCTURED_URLS: SearchStrategy[str] = st.tuples(
    st.sampled_from(("", "", "", " ", "\n", "\0", "\u00a0")),
    _SCHEMES, _SLASHES, _USERS, _HOSTS, _PORTS, _PLACES, _ENDS, st.sampled_from(("", "", " ", "\t")),
).map("".join)  # fmt: skip

LONG_URLS = st.builds(
    lambda count, letter: "http://photos.example/" + letter * count,
    st.integers(2_000, 8_300),
    st.sampled_from("a é%日"),
)

# Of the above few are accepted, as one bad part is enough; here only the host and the end may be bad.
LIKELY_URLS = st.builds("http://{}{}{}".format, _HOSTS, st.sampled_from(("", ":80", ":8080")), _PLACES)

URLS: SearchStrategy[str] = st.one_of(STRUCTURED_URLS, LIKELY_URLS, LIKELY_URLS, LONG_URLS, st.text())

_PATHS = st.from_regex(r"(/[A-Za-z0-9._~-]{0,8}){1,4}(\?[a-z0-9=&]{0,12})?", fullmatch=True)


@st.composite
def plain_urls(draw: st.DrawFn, user: str = "") -> tuple[str, Origin]:
    """A URL that nobody can misread, and whom it asks."""
    scheme = draw(st.sampled_from(("http", "https")))
    host = draw(_NAMES)
    port = draw(st.one_of(st.none(), st.integers(1, 65_535)))
    url = f"{scheme}://{user}{host}{'' if port is None else f':{port}'}{draw(_PATHS)}"
    return url, Origin.of(scheme, host, port or {"http": 80, "https": 443}[scheme])


INTERNAL = st.one_of(
    st.just(0x7F000001),
    st.integers(0x7F000000, 0x7FFFFFFF),
    st.integers(0, 0x00FFFFFF),
    st.integers(0x0A000000, 0x0AFFFFFF),
    st.just(0xA9FEA9FE),
)
"""IPv4 addresses that are never fetched from; most often the listener's own."""

INTERNAL_HOSTS: SearchStrategy[str] = st.one_of(
    INTERNAL.flatmap(numeric_hosts),
    INTERNAL.flatmap(numeric_hosts).flatmap(disguised),
    INTERNAL.flatmap(ipv6_literals),
    st.sampled_from(("localhost", "localhost.", "127.0.0.1.", "127.0.0.1")).flatmap(disguised),
)
