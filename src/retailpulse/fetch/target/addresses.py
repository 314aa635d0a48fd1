"""Which addresses are refused: everything that is not globally routable, also IPv4 hidden inside IPv6.

The tables are our own, because `ipaddress.is_global` differs between versions of Python.
Weak: a NAT64 prefix of a provider's own choice cannot be told from any other address.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA special-purpose registry (RFC 6890 and its updates) if it is not globally reachable.
_REFUSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network"
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, but is the host's own service inside every Azure machine
        "169.254.0.0/16",  # link-local, and the metadata services of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Only this eighth of IPv6 is handed out as global unicast (RFC 4291); ULA, link-local, site-local,
# multicast and the rest lie outside it.
_GLOBAL_V6 = IPv6Network("2000::/3")
_TEREDO = IPv6Network("2001::/32")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_REFUSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments; Teredo, which lies in it, is judged by what it carries
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)

# Prefixes outside 2000::/3 whose last 32 bits are an IPv4 address, which alone decides.
_V4_AT_END = tuple(
    IPv6Network(text)
    for text in (
        "::ffff:0:0/96",  # mapped
        "::/96",  # compatible
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/96",  # NAT64 for local use (RFC 8215); its longer forms are simply refused
    )
)
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)  # RFC 5214: the upper half of the interface identifier


def is_permitted(address: str, allowed: tuple[Network, ...]) -> bool:
    """Whether a numeric address may be dialled: it is globally routable, or in an allowed network."""
    try:
        return _permitted(ip_address(address.partition("%")[0]), allowed)
    except ValueError:
        return False


def _permitted(address: Address, allowed: tuple[Network, ...]) -> bool:
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if any(address in network for network in _V4_AT_END):
        return _permitted(_v4(int(address)), allowed)
    return _is_global_v6(address) and all(_permitted(inner, allowed) for inner in _tunnelled(address))


def _is_global_v6(address: IPv6Address) -> bool:
    if address in _TEREDO:
        return True
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def _tunnelled(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses to which a global IPv6 address may lead."""
    bits = int(address)
    if address in _SIX_TO_FOUR:
        yield _v4(bits >> 80)
    if address in _TEREDO:
        yield _v4(bits >> 64)  # the server
        yield _v4(~bits)  # the client, stored inverted (RFC 4380)
    if (bits >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        yield _v4(bits)


def _v4(bits: int) -> IPv4Address:
    return IPv4Address(bits & 0xFFFFFFFF)
