"""Listens on loopback for every packet that is sent, and says whom the packets were for.

Packets from and to the resolver are left out. It is the witness where "not one byte" is claimed.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from tests.fetch.namespace.world import RESOLVER

_ALL_PROTOCOLS = 0x0003
_IPV4, _IPV6 = 0x0800, 0x86DD
_PACKET_LEVEL, _STATISTICS = 263, 6  # SOL_PACKET, PACKET_STATISTICS of <linux/if_packet.h>


class Packets:
    """Listens from when it is made, on the running loop; ask it at the end."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
        self._wire.bind(("lo", _ALL_PROTOCOLS))
        self._wire.setblocking(False)
        asyncio.get_running_loop().add_reader(self._wire, self._read)

    def ends(self) -> list[str]:
        """Everybody whom a packet was sent to or came from so far, in order."""
        self._read()
        return sorted(self._found)

    def lost(self) -> int:
        """How many packets came too fast to be looked at, since it was last asked."""
        return int(struct.unpack("II", self._wire.getsockopt(_PACKET_LEVEL, _STATISTICS, 8))[1])

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                packet, (_, protocol, *_) = self._wire.recvfrom(64)
                ends = _ends(packet, protocol)
                if RESOLVER not in ends:
                    self._found.update(ends)


def _ends(packet: bytes, protocol: int) -> set[str]:
    """Who sends and who receives a packet; nobody where it is no IP."""
    if protocol == _IPV4:
        return {str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))}
    if protocol == _IPV6:
        return {str(IPv6Address(packet[8:24])), str(IPv6Address(packet[24:40]))}
    return set()
