"""How the API listens, and what it accepts."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.errors import ConfigError

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")  # by these no page of another site reaches anything
_HOST_NAME = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*|[0-9a-f:.]+")


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
    date_order: Annotated[
        Literal["", "day-first", "month-first"],
        Meta(
            description="How visit times such as 3/4/2026 are read where a submit does not say it, day-first "
            "or month-first; empty: they have no instant."
        ),
    ] = ""
    max_extra_columns: Annotated[
        int, Meta(ge=0, description="Most columns of its own that a row of a submit may have.")
    ] = 50
    max_extra_bytes: Annotated[
        int, Meta(ge=2, description="Most bytes of these, as JSON: they are kept for each image.")
    ] = 4_096
    max_stores_bytes: Annotated[
        int, Meta(ge=1024, description="Largest store master in one request, in bytes.")
    ] = 4_000_000_000
    buffer_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of submits that are in memory at once, each counted for what it becomes, "
            "beside the largest one; a submit beyond that is refused for now (503).",
        ),
    ] = 256_000_000
    spool_dir: Annotated[
        str,
        Meta(
            description="Directory for submits of CSV, NDJSON and JSON of over 1 MB until they are complete, "
            "and for XLSX until it is sent; empty: the system's directory for temporary files.",
        ),
    ] = ""
    spool_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of such submits that come in at once, beside the largest one; they take "
            "up to twice as much room; a submit beyond that is refused for now (503).",
        ),
    ] = 2_000_000_000
    held_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of files that were handed to pages and wait for the button that sends "
            "them, for an hour at most, in the database; a further one is refused for now (503).",
        ),
    ] = 1_000_000_000
    max_unsettled_images: Annotated[
        int,
        Meta(
            ge=1,
            description="Submits are refused for now (503) while this many images wait for a result; "
            "analyses count apart.",
        ),
    ] = 5_000_000
    submit_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="How long the database may take to write a submit, before the commit; "
            "one that takes longer is refused for now (503).",
        ),
    ] = 10.0
    submit_images_per_second: Annotated[
        int, Meta(ge=1, description="Images of a submit for which a second is added to that.")
    ] = 2_000
    allow_anonymous: Annotated[
        bool,
        Meta(
            description="Whether an address that other machines reach may be served while no API key was "
            "made; everybody may do everything then.",
        ),
    ] = False
    allowed_hosts: Annotated[
        str,
        Meta(
            description="Names in Host that requests may use beside those of loopback, comma-separated, "
            "e.g. api.example,*.example; empty: on loopback no others, elsewhere any.",
        ),
    ] = ""
    cors_origins: Annotated[
        str,
        Meta(
            description="Origins whose pages may use the API from a browser, comma-separated, "
            "e.g. https://app.example, or *; empty: none.",
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Networks of proxies whose X-Forwarded-For is believed, comma-separated, "
            "e.g. 127.0.0.1,10.1.0.0/16.",
        ),
    ] = ""
    open_metrics: Annotated[
        bool, Meta(description="Whether /metrics may be read without a key if keys are needed.")
    ] = False
    key_requests_per_minute: Annotated[
        int,
        Meta(ge=0, description="Most requests a minute with one key, in each API process; 0: any number."),
    ] = 30_000
    address_requests_per_minute: Annotated[
        int,
        Meta(
            ge=0,
            description="Most requests a minute without a valid key from one address, in each API process; "
            "0: any number.",
        ),
    ] = 6_000
    header_seconds: Annotated[
        float,
        Meta(
            ge=1,
            description="A connection without a request that is complete up to its headers for so long "
            "is closed.",
        ),
    ] = 30.0
    body_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="How long in all the body of a request may be waited for, "
            "and a second more for each 10 kB that came.",
        ),
    ] = 30.0
    answer_seconds: Annotated[
        float, Meta(ge=1, description="A client that takes nothing of its answer for so long is cut off.")
    ] = 60.0
    max_connections: Annotated[
        int, Meta(ge=1, le=100_000, description="Most connections at once to one API process; more wait.")
    ] = 3_000

    access_log: Annotated[
        bool,
        Meta(
            description="Whether each request is logged: method, path and the names in its query, status, "
            "time, bytes, the id of its key and its X-Request-Id."
        ),
    ] = False
    stall_seconds: Annotated[
        float,
        Meta(
            ge=2,
            description="An API process whose event loop stalls for this long is killed and replaced.",
        ),
    ] = 20.0
    max_event_streams: Annotated[
        int, Meta(ge=1, description="Most event streams at once from one API process; then refused (503).")
    ] = 1_000
    key_event_streams: Annotated[
        int,
        Meta(
            ge=1,
            description="Most event streams at once with one key, or without a key from one address, from "
            "one API process; then refused (429).",
        ),
    ] = 500
    max_live_pages: Annotated[
        int,
        Meta(
            ge=1,
            description="Most tabs of the dashboard that one API process sends live updates to, but no more "
            "than a third of its connections; other tabs ask now and then.",
        ),
    ] = 1_000
    key_live_pages: Annotated[
        int,
        Meta(
            ge=1,
            description="Most of these tabs with one key, or without a key from one address.",
        ),
    ] = 500
    health_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="A second port, for /health alone: it answers while all other connections are "
            "taken; 0: none.",
        ),
    ] = 0

    def default_date_order(self) -> DateOrder | None:
        """The order of day and month where a submit does not say it."""
        return DateOrder(self.date_order) if self.date_order else None

    def is_loopback(self) -> bool:
        """Whether only this machine reaches the address that is listened on."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def may_be_open(self) -> bool:
        """Whether requests need no key while no API key was made."""
        return self.is_loopback() or self.allow_anonymous

    def host_names(self) -> tuple[str, ...]:
        """The names that requests may use, lower-case; none: any. Raises ConfigError."""
        found = tuple(name.lower().strip("[]") for name in _listed(self.allowed_hosts))
        for name in found:
            if not _HOST_NAME.fullmatch(name):
                raise ConfigError(
                    f"RETAILPULSE_API_ALLOWED_HOSTS: {name!r} is not like api.example, *.example or 10.1.0.9"
                )
        if "*" in found or not (found or self.is_loopback()):
            return ()
        return (*_OWN_NAMES, self.host.lower(), *found)

    def origins(self) -> frozenset[str]:
        """The origins that may use the API from a browser; raises ConfigError."""
        found = _listed(self.cors_origins)
        for origin in found:
            parts = urlsplit(origin)
            if origin != "*" and (parts.scheme not in {"http", "https"} or parts.geturl().count("/") != 2):
                raise ConfigError(f"RETAILPULSE_API_CORS_ORIGINS: {origin!r} is not like https://app.example")
        return frozenset(found)

    def proxies(self) -> list[str]:
        """The networks of trusted proxies; raises ConfigError."""
        found = _listed(self.trusted_proxies)
        for network in found:
            try:
                ip_network(network)
            except ValueError as error:
                raise ConfigError(f"RETAILPULSE_API_TRUSTED_PROXIES: {error}") from error
        return found


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
