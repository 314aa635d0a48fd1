"""Strategies for addresses: at random, at the borders of every network that matters, IPv4 inside IPv6."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.oracle import CARRIERS, NOT_GLOBAL_V4, NOT_GLOBAL_V6, Address, Network


def _at_borders(networks: Sequence[Network]) -> list[int]:
    """The first and last address of each network, and those before and behind."""
    places = set()
    for network in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        places |= {first - 1, first, first + 1, last - 1, last, last + 1}
    return sorted(place for place in places if 0 <= place < 1 << networks[0].max_prefixlen)


def _within(network: Network) -> SearchStrategy[int]:
    return st.integers(int(network.network_address), int(network.broadcast_address))


V4 = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from(_at_borders(NOT_GLOBAL_V4)),
    st.sampled_from(NOT_GLOBAL_V4).flatmap(_within),
).map(IPv4Address)

_64_BITS = st.integers(0, 2**64 - 1)
_32_BITS = st.integers(0, 2**32 - 1)
_ISATAP = st.builds(
    lambda upper, mark, inner: upper << 64 | mark << 32 | int(inner),
    st.one_of(_64_BITS, _64_BITS.map(lambda bits: bits >> 3 | 1 << 61)),
    st.sampled_from((0x00005EFE, 0x02005EFE, 0x01005EFE)),
    V4,
)
_TEREDO = st.builds(
    lambda server, flags, client: 0x2001 << 112 | int(server) << 64 | flags << 32 | ~int(client) & 0xFFFFFFFF,
    V4,
    _32_BITS,
    V4,
)
_SIX_TO_FOUR = st.builds(
    lambda inner, rest: 0x2002 << 112 | int(inner) << 80 | rest,
    V4,
    st.one_of(
        st.integers(0, 2**80 - 1),
        _ISATAP.map(lambda bits: bits & (1 << 80) - 1),
    ),
)
_AT_THE_END = st.builds(
    lambda network, inner: int(network.network_address) | int(inner),
    st.sampled_from([*CARRIERS, ip_network("64:ff9b:2::/96"), ip_network("::ffff:0:0:0/96")]),
    V4,
)

V6 = st.one_of(
    st.integers(0, 2**128 - 1),
    st.integers(1 << 125, (1 << 126) - 1),  # 2000::/3
    st.sampled_from(_at_borders([*NOT_GLOBAL_V6, *CARRIERS])),
    st.sampled_from([*NOT_GLOBAL_V6, *CARRIERS]).flatmap(_within),
    _AT_THE_END,
    _SIX_TO_FOUR,
    _TEREDO,
    _ISATAP,
).map(IPv6Address)

ADDRESSES: SearchStrategy[Address] = st.one_of(V4, V6)


def _network_around(address: Address, prefix: int) -> Network:
    return ip_network((address, prefix % (address.max_prefixlen + 1)), strict=False)


NETWORKS = st.one_of(
    st.builds(_network_around, ADDRESSES, st.integers(0, 128)),
    st.sampled_from(list(map(ip_network, ("0.0.0.0/0", "::/0", "127.0.0.0/8", "10.0.0.0/8", "::1/128")))),
)


@st.composite
def near_networks(draw: st.DrawFn) -> tuple[Address, tuple[Network, ...]]:
    """An address, and allowed networks of which one may hold it, or hold what it carries."""
    address = draw(ADDRESSES)
    networks = draw(st.lists(NETWORKS, max_size=3))
    if draw(st.booleans()):
        networks.append(_network_around(address, draw(st.integers(0, 128))))
    return address, tuple(networks)


@st.composite
def spelled(draw: st.DrawFn, address: Address) -> str:
    """An address as resolvers and sockets write it: long, short, dotted at the end, with a zone."""
    if isinstance(address, IPv4Address):
        return str(address)
    head = IPv6Address(int(address) >> 32 << 32).exploded.rpartition(":")[0].rpartition(":")[0]
    dotted = f"{head}:{IPv4Address(address.packed[12:])}"
    text = draw(st.sampled_from((address.compressed, address.exploded, address.compressed.upper(), dotted)))
    return text + draw(st.sampled_from(("", "", "%eth0", "%1", "%25lo")))
