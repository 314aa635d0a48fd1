"""Makes libcurl's easy handles: every option that is the same for all requests, set once.

Nothing here is taken from the environment: no proxy, no .netrc, no CA path.
"""

import pycurl

from retailpulse import __version__
from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ConfigError
from retailpulse.fetch.http.trusted import check_trust, trust_options

_BUFFER_BYTES = 65_536
IDENTITY = "Accept-Encoding: identity"
"""Pictures gain nothing from a coding, and undoing one costs the receiver most."""
HTTP_VERSION = pycurl.CURL_HTTP_VERSION_2TLS
_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


def new_handle(settings: FetchSettings) -> pycurl.Curl:
    """An easy handle for GET requests as the settings say; the callbacks are the caller's to set."""
    handle = pycurl.Curl()
    for option, value in _options(settings).items():
        handle.setopt(option, value)
    return handle


def check_settings(settings: FetchSettings) -> None:
    """Raise ConfigError if a setting could only fail later, at the first request."""
    if not settings.contact.isascii() or (settings.contact and not settings.contact.isprintable()):
        raise ConfigError("RETAILPULSE_FETCH_CONTACT: write printable ASCII, like mailto:ops@example.com")
    check_trust(settings)


def user_agent(contact: str) -> str:
    """The User-Agent: name, version and contact of this service."""
    return f"RetailPulse/{__version__}" + (f" (+{contact})" if contact else "")


def _options(settings: FetchSettings) -> dict[int, object]:
    connected_ms = (settings.connect_timeout_seconds + settings.tls_timeout_seconds) * 1_000
    return {
        pycurl.NOSIGNAL: 1,
        pycurl.PROTOCOLS: _WEB,
        pycurl.FOLLOWLOCATION: 0,  # each hop is checked and given its slot like a first request
        pycurl.PROXY: settings.proxy_url(),  # an empty one switches the proxies of the environment off
        pycurl.NOPROXY: "" if settings.proxy else "*",
        pycurl.USERAGENT: user_agent(settings.contact),
        # libcurl would undo five codings, one in another, within one call: it undoes none. See `codings`.
        pycurl.HTTP_CONTENT_DECODING: 0,
        pycurl.HTTPHEADER: [IDENTITY],
        pycurl.HEADEROPT: pycurl.HEADER_SEPARATE,  # a proxy that tunnels is sent none of them
        pycurl.HTTP_VERSION: HTTP_VERSION,
        pycurl.HTTP09_ALLOWED: 0,
        pycurl.SSL_VERIFYPEER: 1,
        pycurl.SSL_VERIFYHOST: 2,
        **trust_options(settings),
        # Covers names, TCP and TLS together; TCP alone is held to its share by `exchange`.
        pycurl.CONNECTTIMEOUT_MS: max(1, round(connected_ms)),
        pycurl.LOW_SPEED_LIMIT: settings.stall_bytes_per_second,
        pycurl.LOW_SPEED_TIME: max(1, round(settings.stall_seconds)),
        pycurl.BUFFERSIZE: _BUFFER_BYTES,
        # libcurl looks up no photo host's name: `target.dns` does. What it holds came from there just now.
        pycurl.DNS_CACHE_TIMEOUT: 60,
    }
