"""A DNS server over UDP whose answers are told by name, and which counts what it is asked.

Packets are made by hand (RFC 1035). Weak: A, AAAA and CNAME only, one question a packet, no TCP.
"""

import asyncio
import struct
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from tests.fetch.namespace.world import RESOLVER

NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME, REFUSED = 0, 2, 3, 5
_KINDS = {1: "A", 28: "AAAA"}
_ALIAS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Says:
    """What one question is answered with; addresses of the kind that is not asked for are left out."""

    addresses: tuple[str, ...] = ()
    alias: str = ""
    code: int = NO_ERROR
    is_silent: bool = False
    after_seconds: float = 0.0


def at(*addresses: str) -> Says:
    """The plain answer: these addresses."""
    return Says(addresses=addresses)


class Nameserver(asyncio.DatagramProtocol):
    """Answers by name; the last answer of a name holds for ever, a name it was not told does not exist."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport
        self.asked: Counter[str] = Counter()
        self.most_at_once = 0
        self._answers: dict[str, tuple[Says, ...]] = {}
        self._under_way: Counter[str] = Counter()

    @classmethod
    async def start(cls) -> Self:
        """Listen where resolv.conf points to, until the process ends."""
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(cls, local_addr=(RESOLVER, 53))
        server._transport = transport
        return server

    def set_answers(self, name: str, *answers: Says) -> None:
        """Answer the questions for a name in turn; those for A and for AAAA are counted apart."""
        self._answers[name] = answers

    def times(self, name: str) -> int:
        """How often the IPv4 addresses of a name were asked for; the IPv6 ones must be as often."""
        assert self.asked[f"{name} A"] == self.asked[f"{name} AAAA"], self.asked
        return self.asked[f"{name} A"]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = _read_name(data)
        kind = struct.unpack_from("!H", data, end)[0]
        question = f"{name} {_KINDS.get(kind, kind)}"
        answers = self._answers.get(name, (Says(code=NO_SUCH_NAME),))
        says = answers[min(self.asked[question], len(answers) - 1)]
        self.asked[question] += 1
        if says.is_silent:
            return
        self._under_way[name] += 1
        self.most_at_once = max(self.most_at_once, len(+self._under_way))
        reply = self._reply(data[: end + 4], kind, says)
        asyncio.get_running_loop().call_later(says.after_seconds, self._send, name, reply, addr)

    def _send(self, name: str, reply: bytes, addr: tuple[str, int]) -> None:
        self._under_way[name] -= 1
        self._transport.sendto(reply, addr)

    def _reply(self, query: bytes, kind: int, says: Says) -> bytes:
        records, owner = [], b"\xc0\x0c"  # a pointer to the question's name
        if says.alias:
            target = _name(says.alias)
            records.append(_record(owner, _ALIAS, target))
            owner, says = target, self._answers[says.alias][0]
        for address in map(ip_address, says.addresses):
            if kind == (1 if address.version == 4 else 28):
                records.append(_record(owner, kind, address.packed))
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | says.code, 1, len(records), 0, 0)
        return head + query[12:] + b"".join(records)


def _read_name(query: bytes) -> tuple[str, int]:
    """The name that is asked for, and where in the packet it ends."""
    labels, place = [], 12
    while size := query[place]:
        labels.append(query[place + 1 : place + 1 + size].decode())
        place += 1 + size
    return ".".join(labels).lower(), place + 1


def _name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(owner: bytes, kind: int, data: bytes) -> bytes:
    """A resource record of class IN that may not be kept (its TTL is 0)."""
    return owner + struct.pack("!HHIH", kind, 1, 0, len(data)) + data
