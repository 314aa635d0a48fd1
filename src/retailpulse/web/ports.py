"""Whether a port is free, told before anything is started, and ports that root alone may listen on."""

import errno
import socket
from dataclasses import dataclass

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError

BACKLOG = 1024
FIRST_PORT_OF_EVERYBODY = 1024
SOCKET_OPTION = "--socket-fd"
HEALTH_SOCKET_OPTION = "--health-socket-fd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sockets:
    """Descriptors that listen already, for the API and for health alone; None: it has to listen itself."""

    all: int | None = None
    health: int | None = None


def check_port(settings: ApiSettings, sockets: Sockets | None = None) -> None:
    """Raises ConfigError if an address cannot be listened on that no socket listens on yet."""
    sockets = sockets or Sockets()
    if sockets.all is None:
        _check(settings, settings.port, "--port")
    if settings.health_port and sockets.health is None:
        _check(settings, settings.health_port, "RETAILPULSE_API_HEALTH_PORT")


def listen_for(settings: ApiSettings) -> dict[str, socket.socket]:
    """Listens for an API that is not root and may not itself: by the option that hands it the socket.

    Raises OSError.
    """
    ports = {SOCKET_OPTION: settings.port, HEALTH_SOCKET_OPTION: settings.health_port}
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return {
        option: socket.create_server((settings.host, port), family=family, backlog=BACKLOG)
        for option, port in ports.items()
        if 0 < port < FIRST_PORT_OF_EVERYBODY
    }


def _check(settings: ApiSettings, port: int, chosen_with: str) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{port}: {error.strerror}; {_advice(error, chosen_with)}"
        ) from error


def _advice(error: OSError, chosen_with: str) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "choose an address of this machine with --host"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"choose one from {FIRST_PORT_OF_EVERYBODY} on with {chosen_with}"
    return f"stop what uses it, or choose another with {chosen_with}"
