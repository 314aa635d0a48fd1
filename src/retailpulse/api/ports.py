"""Whether a port is free, told before anything is started."""

import socket

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError


def check_port(settings: ApiSettings) -> None:
    """Raises ConfigError where the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "stop what uses it, or choose another with --port"
        ) from error
