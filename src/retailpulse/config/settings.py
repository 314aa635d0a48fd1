"""The settings of each room with their defaults, limits and meaning.

The environment name of a setting is RETAILPULSE_, its room, and its field: RETAILPULSE_FETCH_PER_HOST.
The same names stand in the TOML file as tables: [fetch] per_host = 16. Reading them is `loading`'s.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.errors import ConfigError
from retailpulse.domain.images import Depth

Network = IPv4Network | IPv6Network


def _parts(text: str) -> list[str]:
    """The parts of a comma-separated text."""
    return [part.strip() for part in text.split(",") if part.strip()]


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which PostgreSQL is used, and how."""

    url: Annotated[
        str,
        Meta(
            description="Connection URL of a PostgreSQL >= 14; "
            "empty: the embedded one in the data directory.",
        ),
    ] = ""
    data_dir: Annotated[str, Meta(description="Where the embedded PostgreSQL keeps its files.")] = (
        "retailpulse-data"
    )
    pool_size: Annotated[
        int, Meta(ge=2, le=500, description="Most connections that one API process opens.")
    ] = 8
    wait_seconds: Annotated[
        float,
        Meta(gt=0, description="How long a request waits for a connection before it is refused."),
    ] = 1.2


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP server and what it accepts."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = 9090
    max_body_bytes: Annotated[
        int, Meta(ge=1024, description="Largest body of a submit, in bytes; larger is refused (413).")
    ] = 256_000_000
    max_images_per_job: Annotated[
        int, Meta(ge=1, description="Most images in one job; more is refused (413).")
    ] = 1_000_000
    max_stores_bytes: Annotated[
        int, Meta(ge=1024, description="Largest store master in one request, in bytes.")
    ] = 4_000_000_000
    buffer_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of submits that are read at once, beside the largest one; "
            "a submit beyond that is refused for now (503).",
        ),
    ] = 256_000_000
    max_unsettled_images: Annotated[
        int,
        Meta(ge=1, description="Submits are refused for now (503) while so many images wait for a result."),
    ] = 5_000_000


class FetchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How photos are fetched from servers that cannot be trusted."""

    concurrency: Annotated[
        int, Meta(ge=1, le=10_000, description="Most transfers at once in one worker process.")
    ] = 100
    per_host: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Most transfers at once to one host; the workers of one machine share them, "
            "each has at least one.",
        ),
    ] = 16
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
    max_redirects: Annotated[int, Meta(ge=0, le=50, description="Most redirects per try.")] = 5
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
    ] = 256_000_000
    max_header_bytes: Annotated[
        int, Meta(ge=256, description="Most bytes of response headers that are read.")
    ] = 65_536
    tries: Annotated[int, Meta(ge=1, le=20, description="Most requests for one image.")] = 3
    backoff_seconds: Annotated[
        float, Meta(ge=0, description="Longest wait before the second try; doubles for each further one.")
    ] = 0.5
    contact: Annotated[str, Meta(description="Address of who runs this service, sent in the User-Agent.")] = (
        ""
    )
    ca_file: Annotated[
        str, Meta(description="File of CA certificates to trust, in PEM; empty: the built-in list.")
    ] = ""

    def networks(self) -> tuple[Network, ...]:
        """The allowed networks, parsed; raises ConfigError where one is no network."""
        try:
            return tuple(map(ip_network, _parts(self.allowed_networks)))
        except ValueError as error:
            raise ConfigError(
                f"RETAILPULSE_FETCH_ALLOWED_NETWORKS: {error}; "
                "write networks like 10.1.0.0/16, comma-separated"
            ) from error

    def port_numbers(self) -> frozenset[int] | None:
        """The ports that may be fetched from, None for any; raises ConfigError where one is no port."""
        if self.ports.strip().lower() == "any":
            return None
        ports = _parts(self.ports)
        if not ports or not all(port.isdecimal() and 0 < int(port) < 65_536 for port in ports):
            raise ConfigError(f"RETAILPULSE_FETCH_PORTS is {self.ports!r}; write ports like 80,443, or any")
        return frozenset(map(int, ports))

    def hosts(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """Hosts that alone are fetched from: whole names, and the ends of those that begin with `*.`.

        Both are empty where any host is; raises ConfigError where one is no host name.
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

    def proxy_url(self) -> str:
        """The proxy, empty for none; raises ConfigError where it is no URL of one."""
        if self.proxy and not self.proxy.startswith(("http://", "https://", "socks5h://")):
            raise ConfigError(
                "RETAILPULSE_FETCH_PROXY: write a URL like http://proxy.internal:3128 (or https, socks5h)"
            )
        return self.proxy


class MeasureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How photos are measured."""

    depth: Annotated[
        Depth,
        Meta(
            description="How deep images are looked at where a job does not say: header, download or decode."
        ),
    ] = Depth.DECODE
    max_pixels: Annotated[
        int, Meta(ge=1, description="Most pixels of an image, checked before it is decoded.")
    ] = 250_000_000
    decoders: Annotated[int, Meta(ge=1, le=256, description="Decoder processes per worker process.")] = 1
    timeout_seconds: Annotated[float, Meta(gt=0, description="A decode that takes longer is given up.")] = (
        30.0
    )
    memory_bytes: Annotated[
        int, Meta(ge=256_000_000, description="Most memory that one decoder process may use, in bytes.")
    ] = 2_000_000_000
    pause_seconds: Annotated[
        str,
        Meta(
            description="Pause after each image that stands for a model, uniform between two bounds, "
            "e.g. 0.1-0.4; empty: none."
        ),
    ] = ""

    def pause(self) -> tuple[float, float] | None:
        """The bounds of the pause in seconds, or None; raises ConfigError where they are no bounds."""
        if not self.pause_seconds.strip():
            return None
        low, dash, high = self.pause_seconds.partition("-")
        try:
            bounds = (float(low), float(high if dash else low))
        except ValueError:
            bounds = (-1.0, -1.0)
        if not 0 <= bounds[0] <= bounds[1] <= 3600:
            raise ConfigError(
                f"RETAILPULSE_MEASURE_PAUSE_SECONDS is {self.pause_seconds!r}; write two bounds like 0.1-0.4"
            )
        return bounds


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The worker processes."""

    processes: Annotated[
        int, Meta(ge=0, le=256, description="Worker processes that serve starts; 0: one per core.")
    ] = 0
    chunks: Annotated[
        int, Meta(ge=1, le=64, description="Most full chunks that one worker holds at once.")
    ] = 8
    connections: Annotated[
        int, Meta(ge=2, le=500, description="Most connections to the database that one worker shares.")
    ] = 3
    chunk_images: Annotated[
        int,
        Meta(ge=0, le=10_000, description="Images in one chunk of a new job; 0: 20 to 512, by its size."),
    ] = 0
    settle_rows: Annotated[
        int, Meta(ge=1, le=10_000, description="Most results that are written in one transaction.")
    ] = 2_000
    settle_seconds: Annotated[float, Meta(gt=0, description="Longest time a result waits to be written.")] = (
        0.25
    )
    grace_seconds: Annotated[
        float, Meta(ge=0, description="How long a stopping worker may finish what is in flight.")
    ] = 20.0
    heartbeat_seconds: Annotated[
        float, Meta(gt=0, description="How often a worker says that it is alive.")
    ] = 2.0
    stale_seconds: Annotated[
        float, Meta(gt=0, description="A worker silent for this long is taken for dead.")
    ] = 8.0
    sweep_seconds: Annotated[
        float, Meta(gt=0, description="How often chunks of dead workers are handed back.")
    ] = 2.0


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is done is kept."""

    jobs_days: Annotated[
        float,
        Meta(ge=0, description="Days after its end at which a job is pruned with all its rows; 0: never."),
    ] = 0.0
    keys_hours: Annotated[
        float, Meta(gt=0, description="Hours for which an Idempotency-Key is remembered.")
    ] = 24.0
    prune_seconds: Annotated[
        float, Meta(gt=0, description="How often the workers look for what is to be pruned.")
    ] = 60.0


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged."""

    level: Annotated[
        str,
        Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR."),
    ] = "INFO"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; `bootstrap` hands each room only its own."""

    database: DatabaseSettings = DatabaseSettings()
    api: ApiSettings = ApiSettings()
    fetch: FetchSettings = FetchSettings()
    measure: MeasureSettings = MeasureSettings()
    worker: WorkerSettings = WorkerSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
