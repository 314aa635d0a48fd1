"""Whether a port is free, told before anything is started."""

import socket

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError


def check_port(settings: ApiSettings) -> None:
    """Raises ConfigError where an address cannot be listened on."""
    _check(settings, settings.port, "--port")
    if settings.health_port:
        _check(settings, settings.health_port, "RETAILPULSE_API_HEALTH_PORT")


def _check(settings: ApiSettings, port: int, chosen_with: str) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{port}: {error.strerror}; "
            f"stop what uses it, or choose another with {chosen_with}"
        ) from error
