"""How photos are fetched from servers that cannot be trusted."""

import base64
import binascii
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError
from retailpulse.domain.object_stores import StoreCredential

Network = IPv4Network | IPv6Network


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How photos are fetched from servers that cannot be trusted."""

    concurrency: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Most transfers at once in one worker process; 0: as its file descriptors allow.",
        ),
    ] = 0
    per_host: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Requests at once to one host that all workers together start with; a host that "
            "refuses some gets fewer.",
        ),
    ] = 16
    per_host_max: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="What that may grow to, at most four times, at a host that answers within "
            "milliseconds and refuses none.",
        ),
    ] = 64
    allowed_networks: Annotated[
        str,
        Meta(
            description="Networks that may be fetched from although they are not globally routable, "
            "comma-separated, e.g. 127.0.0.0/8,10.1.0.0/16."
        ),
    ] = ""
    allowed_hosts: Annotated[
        str,
        Meta(
            description="Hosts that alone are fetched from, comma-separated, e.g. "
            "photos.example,*.cdn.example; empty: any host."
        ),
    ] = ""
    hide_internal_names: Annotated[
        bool,
        Meta(
            description="Whether a host name whose addresses may not be fetched from fails like one that "
            "does not exist; the log says which it was.",
        ),
    ] = False
    ports: Annotated[str, Meta(description="Ports that may be fetched from, comma-separated, or any.")] = (
        "80,443,8080,8443"
    )
    proxy: Annotated[
        str,
        Meta(
            description="URL of the proxy that everything is fetched through, e.g. "
            "http://proxy.internal:3128; empty: none, whatever the environment says."
        ),
    ] = ""
    max_redirects: Annotated[int, Meta(ge=0, le=50, description="Most redirects per try.")] = 10
    connect_timeout_seconds: Annotated[float, Meta(gt=0, description="Longest wait for a connection.")] = 5.0
    tls_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Longest wait for the TLS handshake, after the connection.")
    ] = 10.0
    timeout_seconds: Annotated[float, Meta(gt=0, description="Longest time one try may take.")] = 60.0
    deadline_seconds: Annotated[
        float, Meta(gt=0, description="Longest time for one image over all its tries and waits.")
    ] = 180.0
    stall_seconds: Annotated[
        float, Meta(gt=0, description="A try slower than the stall rate for this long is given up.")
    ] = 10.0
    stall_bytes_per_second: Annotated[
        int, Meta(ge=0, description="The rate under which a transfer counts as stalled.")
    ] = 1_000
    max_body_bytes: Annotated[
        int, Meta(ge=1, description="Largest image that is read, in bytes, also after decompression.")
    ] = 50_000_000
    buffer_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of unfinished images in one worker process, beside the largest one; "
            "over half of it, each has only its share.",
        ),
    ] = 192_000_000
    max_header_bytes: Annotated[
        int, Meta(ge=256, description="Most bytes of response headers that are read.")
    ] = 65_536
    tries: Annotated[int, Meta(ge=1, le=20, description="Most requests for one image.")] = 3
    backoff_seconds: Annotated[
        float, Meta(ge=0, description="Longest wait before the second try; doubles for each further one.")
    ] = 0.5
    contact: Annotated[str, Meta(description="Address of the operator, sent in the User-Agent.")] = ""
    ca_file: Annotated[
        str, Meta(description="File of CA certificates to trust, in PEM; empty: the built-in list.")
    ] = ""
    intermediates_file: Annotated[
        str,
        Meta(
            description="File of intermediate certificates that hosts leave out, in PEM, read at the start. "
            "They are not trusted by themselves; with it, of the CAs to trust only roots are."
        ),
    ] = ""
    credentials: Annotated[
        dict[str, Credential],
        Meta(
            description="What hosts are sent before they give a photo: a table for each host in the settings "
            "file, in the environment one JSON object; never shown."
        ),
    ] = {}
    credentials_file: Annotated[
        str,
        Meta(description="File of further tables of hosts and buckets, TOML or JSON, to keep secrets apart."),
    ] = ""
    stores: Annotated[
        dict[str, StoreCredential],
        Meta(
            description="What opens buckets of S3, Google Cloud Storage and Azure: a table for each in the "
            "settings file, in the environment one JSON object; never shown."
        ),
    ] = {}
    credentials_key: Annotated[
        str,
        Meta(
            description="Keys that seal the credentials of jobs in the database, comma-separated: the first "
            "seals, each opens; empty: the one in the data directory, and none with another database."
        ),
    ] = ""

    def networks(self) -> tuple[Network, ...]:
        """The allowed networks, parsed; raises ConfigError if one is no network."""
        try:
            return tuple(map(ip_network, _parts(self.allowed_networks)))
        except ValueError as error:
            raise ConfigError(
                f"RETAILPULSE_FETCH_ALLOWED_NETWORKS: {error}; "
                "write networks like 10.1.0.0/16, comma-separated"
            ) from error

    def port_numbers(self) -> frozenset[int] | None:
        """The ports that may be fetched from, None for any; raises ConfigError if one is no port."""
        if self.ports.strip().lower() == "any":
            return None
        ports = _parts(self.ports)
        if not ports or not all(port.isdecimal() and 0 < int(port) < 65_536 for port in ports):
            raise ConfigError(f"RETAILPULSE_FETCH_PORTS is {self.ports!r}; write ports like 80,443, or any")
        return frozenset(map(int, ports))

    def hosts(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """Hosts that alone are fetched from: whole names, and the ends of those that begin with `*.`.

        Both are empty if any host is; raises ConfigError if one is no host name.
        """
        names = [part.lower() for part in _parts(self.allowed_hosts)]
        for name in names:
            if re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", name) is None:
                raise ConfigError(
                    f"RETAILPULSE_FETCH_ALLOWED_HOSTS: {name!r} is no host; "
                    "write names like photos.example,*.cdn.example"
                )
        ends = tuple(name[1:] for name in names if name.startswith("*."))
        return frozenset(name for name in names if not name.startswith("*.")), ends

    def credentials_keys(self) -> tuple[str, ...]:
        """The keys of `credentials_key`; raises ConfigError, naming none."""
        keys = tuple(_parts(self.credentials_key))
        if not all(map(_is_key, keys)):
            raise ConfigError(
                "RETAILPULSE_FETCH_CREDENTIALS_KEY: write 32 random bytes in URL-safe base64, as "
                "`openssl rand -base64 32 | tr +/ -_` prints them"
            )
        return keys

    def proxy_url(self) -> str:
        """The proxy, empty for none; raises ConfigError if it is no URL of one."""
        if self.proxy and not self.proxy.startswith(("http://", "https://", "socks5h://")):
            raise ConfigError(
                "RETAILPULSE_FETCH_PROXY: write a URL like http://proxy.internal:3128 (or https, socks5h)"
            )
        return self.proxy


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _parts(text: str) -> list[str]:
    """The parts of a comma-separated text."""
    return [part.strip() for part in text.split(",") if part.strip()]
