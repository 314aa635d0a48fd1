"""Asks the API of this machine whether it can serve, as `serve` and health checks do."""

from http.client import HTTPConnection, HTTPException

from retailpulse.config.settings import ApiSettings

TIMEOUT_SECONDS = 2.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked for, not listened on


def local_url(settings: ApiSettings) -> str:
    """The URL by which this machine reaches the API that these settings describe."""
    return f"http://{_authority(_EVERY_ADDRESS.get(settings.host, settings.host))}:{settings.port}"


def why_not_ready(settings: ApiSettings, port: int | None = None) -> str | None:
    """None if the API that these settings describe can serve, else what keeps it from that.

    It is asked on `port`, None: on that which serves all.
    """
    port = port or settings.port
    host = _EVERY_ADDRESS.get(settings.host, settings.host)
    connection = HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready", headers={"Host": _name(settings) or _authority(host)})
        answer = connection.getresponse()
        text = answer.read(1_000).decode(errors="replace").strip()
        return None if answer.status == 200 else f"{answer.status} {text}"
    except (OSError, HTTPException) as error:
        return f"nothing answers on {_authority(host)}:{port}: {str(error) or type(error).__name__}"
    finally:
        connection.close()


def _name(settings: ApiSettings) -> str | None:
    """A name that requests may use, if not every one may be used."""
    names = settings.host_names()
    return names[0].replace("*", "health") if names else None


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host
