"""A web server on every address of the world, ports 80 and 443, that notes which address it was reached at.

HTTP/1.1 without and HTTP/2 with TLS. The path says how it is answered: see `_answer`.
"""

import asyncio
import socket
import ssl
import struct
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

PICTURE = b"\x89PNG picture"
_LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request: where it came in, on the how manieth connection, for whom."""

    address: str
    connection: int
    host: str
    path: str


class Web:
    """Counts connections by the address they were made to, and notes every request."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.received_bytes: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self._servers: list[asyncio.Server] = []

    async def listen(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen on all addresses, of both families, until the process ends."""
        listener = socket.create_server(
            ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1_024
        )
        self._servers.append(await asyncio.start_server(self._speak, sock=listener, ssl=tls))

    def paths(self, address: str) -> list[str]:
        """What was asked for at an address, in order."""
        return [asked.path for asked in self.asked if asked.address == address]

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = _plain(writer.get_extra_info("sockname")[0])
        self.connections[address] += 1
        tls = writer.get_extra_info("ssl_object")
        speak = self._speak_2 if tls and tls.selected_alpn_protocol() == "h2" else self._speak_1
        try:
            await speak(reader, writer, address, self.connections.total())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()

    async def _speak_1(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, connection: int
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.received_bytes[address] += len(head)
            lines = head.decode().split("\r\n")
            host = next(line[6:] for line in lines if line.lower().startswith("host: "))
            path = lines[0].split(" ")[1]
            asked = Asked(address=address, connection=connection, host=host, path=path)
            is_first = asked.path not in self.paths(address)
            self.asked.append(asked)
            if path.startswith("/reset-once") and is_first:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                writer.transport.abort()
                return
            writer.write(_answer(path))
            if path.startswith("/close"):
                return

    async def _speak_2(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, connection: int
    ) -> None:
        frames = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        frames.initiate_connection()
        writer.write(frames.data_to_send())
        while data := await reader.read(65_536):
            self.received_bytes[address] += len(data)
            for event in frames.receive_data(data):
                if isinstance(event, RequestReceived):
                    heads = {str(name): str(value) for name, value in event.headers}
                    host, path = heads[":authority"], heads[":path"]
                    self.asked.append(Asked(address=address, connection=connection, host=host, path=path))
                    frames.send_headers(event.stream_id, [(":status", "200")])
                    frames.send_data(event.stream_id, PICTURE, end_stream=True)
            writer.write(frames.data_to_send())


def _answer(path: str) -> bytes:
    """A picture; /to?URL redirects there; /close... ends the connection, /reset-once... breaks it once."""
    if path.startswith("/to?"):
        return f"HTTP/1.1 302 Found\r\nLocation: {path[4:]}\r\nContent-Length: 0\r\n\r\n".encode()
    close = "Connection: close\r\n" if path.startswith("/close") else ""
    return f"HTTP/1.1 200 OK\r\n{close}Content-Length: {len(PICTURE)}\r\n\r\n".encode() + PICTURE


def _plain(address: str) -> str:
    """An address as people write it: IPv4 as such, not inside IPv6; no zone."""
    parsed = IPv6Address(address.partition("%")[0])
    return str(parsed.ipv4_mapped or parsed)
