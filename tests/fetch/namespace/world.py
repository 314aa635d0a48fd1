"""Turns the namespace this process was started in into a world: addresses on loopback, files of the resolver.

It must run inside `unshare --net --mount`, where nothing of it reaches the machine. No iproute2 is needed.
"""

import fcntl
import socket
import struct
import subprocess
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import mkdtemp

RESOLVER = "127.0.0.53"
PUBLIC, OTHER_PUBLIC, PUBLIC_V6 = "93.184.216.34", "93.184.216.35", "2606:4700::1111"
INTERNAL, METADATA, INTERNAL_V6 = "10.1.2.3", "169.254.169.254", "fd00::1"
LINK_LOCAL, TRANSLATED = "fe80::1", "64:ff9b::a01:203"

_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C  # SIOCSIF... of <linux/sockios.h>
_UP_AND_RUNNING = 0x41
_FILES = {
    "/etc/resolv.conf": f"nameserver {RESOLVER}\noptions timeout:1 attempts:1\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}


def build() -> None:
    """Bring loopback up with every address of the world, and have names looked up at its resolver."""
    add_addresses(PUBLIC, OTHER_PUBLIC, INTERNAL, METADATA)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        for address in (PUBLIC_V6, INTERNAL_V6, LINK_LOCAL, TRANSLATED):
            request = struct.pack("16sIi", IPv6Address(address).packed, 128, socket.if_nametoindex("lo"))
            fcntl.ioctl(control, _SET_ADDRESS, request)
    folder = Path(mkdtemp(prefix="world-"))
    subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=True)
    for path, text in _FILES.items():
        _cover(Path(path), folder / Path(path).name, text)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def add_addresses(*addresses: str) -> None:
    """Bring loopback up with IPv4 addresses beside its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP_AND_RUNNING))
        for number, address in enumerate(addresses):
            name = b"lo:%d" % number
            fcntl.ioctl(control, _SET_ADDRESS, _request(name, address))
            fcntl.ioctl(control, _SET_MASK, _request(name, "255.255.255.255"))


def _request(name: bytes, address: str) -> bytes:
    """A struct ifreq with an IPv4 address."""
    return struct.pack("16sH2x4s16x", name, socket.AF_INET, IPv4Address(address).packed)


def _cover(path: Path, own: Path, text: str) -> None:
    """Show our own text in the place of a file; where there is none, the C library's defaults will do."""
    if path.exists():
        own.write_text(text)
        subprocess.run(["mount", "--bind", str(own), str(path)], check=True)
