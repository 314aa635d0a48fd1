"""Which addresses may be dialled, written a second time from the registries, to judge the first by.

Networks are compared as numbers, and what IPv6 carries is taken out by `ipaddress` where it can. Its words
for single addresses differ between versions of Python, so they only ever say no (`is_special`).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_GLOBAL_V4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "255.255.255.255/32",
    )
]  # fmt: skip
# Everything outside 2000::/3, and what in it is set apart.
NOT_GLOBAL_V6 = [
    IPv6Network(text)
    for text in (
        "::/128", "::1/128", "::/3", "4000::/2", "8000::/1", "100::/64", "5f00::/16", "fc00::/7",
        "fe80::/10", "fec0::/10", "ff00::/8", "2001::/23", "2001:2::/48", "2001:10::/28", "2001:20::/28",
        "2001:db8::/32", "3fff::/20",
    )
]  # fmt: skip
CARRIERS = [
    IPv6Network(text)
    for text in (
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/96", "64:ff9b:1::/48", "2001::/32",
        "2002::/16",
    )
]  # fmt: skip
_WRAPPERS = {0, 0xFFFF, 0x64FF9B << 64, 0x64FF9B0001 << 48}  # the upper 96 bits, shifted down


def may_be_dialled(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether an address is global, or in one of the allowed networks."""
    if is_in(address, allowed):
        return True
    if isinstance(address, IPv4Address):
        return not is_in(address, NOT_GLOBAL_V4)
    wrapped = _wrapped(address)
    if wrapped is not None:
        return may_be_dialled(wrapped, allowed)
    if is_in(address, NOT_GLOBAL_V6) and address.teredo is None:
        return False
    return all(may_be_dialled(inner, allowed) for inner in _carried(address))


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of these networks."""
    return any(
        address.version == network.version
        and int(network.network_address) <= int(address) <= int(network.broadcast_address)
        for network in networks
    )


def is_special(address: Address) -> bool:
    """Whether `ipaddress` calls an address, or the IPv4 address that stands for it, anything but public."""
    if isinstance(address, IPv6Address):
        address = _wrapped(address) or address
    if isinstance(address, IPv6Address) and (address.teredo or address.sixtofour):
        return any(map(is_special, _carried(address)))
    return (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address merely writes down."""
    return IPv4Address(address.packed[12:]) if int(address) >> 32 in _WRAPPERS else None


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that a packet to an IPv6 address is sent to on its way."""
    found = [*(address.teredo or ())]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.packed[8:12] in (b"\0\0\x5e\xfe", b"\x02\0\x5e\xfe"):
        found.append(IPv4Address(address.packed[12:]))
    return found
