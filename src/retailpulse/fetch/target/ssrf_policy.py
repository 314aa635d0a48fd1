"""The SSRF policy: what may be fetched at all, by port, host and address, as the settings say.

Asked for the first URL, for every redirect, and for every address that a socket is about to connect to.
"""

import socket
from functools import lru_cache

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.target.addresses import is_permitted
from retailpulse.fetch.target.urls import Origin

_NOT_ALLOWED = "the address of the host is not allowed"


class SsrfPolicy:
    """The settings that say which hosts may be asked."""

    def __init__(self, settings: FetchSettings) -> None:
        self._networks = settings.networks()
        self._ports = settings.port_numbers()
        self._hosts, self._suffixes = settings.hosts()
        self.has_proxy = bool(settings.proxy_url())
        self._refusal = lru_cache(maxsize=4_096)(self._judge)  # jobs have many photos and few hosts

    def check(self, origin: Origin) -> None:
        """Raise ImageError `blocked_address` if an origin is not to be asked, by its port or host alone.

        A numeric host is checked here too: a proxy would dial it out of our sight.
        """
        refusal = self._refusal(origin)
        if refusal is not None:
            raise _blocked(refusal)

    def permits(self, address: str) -> bool:
        """Whether a numeric address may be dialled."""
        return is_permitted(address, self._networks)

    def may_dial(self, address: str) -> bool:
        """Whether libcurl may connect to a numeric address: with a proxy, it only ever dials that."""
        return self.has_proxy or self.permits(address)

    def _judge(self, origin: Origin) -> str | None:
        if self._ports is not None and origin.port not in self._ports:
            return f"port {origin.port} is not one that is fetched from"
        if (self._hosts or self._suffixes) and not self._is_listed(origin.host.rstrip(".")):
            return "the host is not one that is fetched from"
        number = numeric_address(origin.host)
        return None if number is None or self.permits(number) else _NOT_ALLOWED

    def _is_listed(self, host: str) -> bool:
        return host in self._hosts or host.endswith(self._suffixes)


@lru_cache(maxsize=4_096)
def numeric_address(host: str) -> str | None:
    """The address that a host is, in whatever spelling a resolver takes for a number; None for a name."""
    if host.startswith("["):
        return host[1:-1]
    if not host[-1:].isdigit() and "0x" not in host and not host.endswith("."):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def blocked_address() -> ImageError:
    """The error of a host that has no address which may be dialled."""
    return _blocked(_NOT_ALLOWED)


def _blocked(detail: str) -> ImageError:
    return ImageError(Cause.BLOCKED_ADDRESS, detail, tries=0)
