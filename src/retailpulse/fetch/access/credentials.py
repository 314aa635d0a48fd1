"""Which headers each origin gets: exactly that scheme, host and port, and no other.

A host without a scheme means https; plain http must be written out, as its secrets can be read on the way.
"""

import re
from collections.abc import Mapping

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError, ImageError
from retailpulse.fetch.target.urls import NO_HEADERS, Origin, SecretHeaders, parse_target

MOST_HOSTS = 1_000
_HOST = re.compile(r"(?:(https?)://)?([^/?#@\\\s]+)/?")


class Credentials:
    """The headers of some origins; those of a job go before those of the settings, origin by origin."""

    def __init__(
        self, of_origin: Mapping[str, SecretHeaders], table: Mapping[str, Credential] | None = None
    ) -> None:
        self._of_origin = of_origin
        self.table = dict(table or {})
        """What they were read from."""

    def __repr__(self) -> str:
        return f"Credentials(of {len(self._of_origin)} origins)"

    def of(self, origin: Origin) -> SecretHeaders:
        """What a request to this origin carries."""
        return self._of_origin.get(origin.key, NO_HEADERS)


NO_CREDENTIALS = Credentials({})


def read_credentials(table: Mapping[str, Credential], *, proxy: str = "") -> Credentials:
    """Credentials from a table by host; raises ValueError naming the host and what is wrong, and no secret.

    With a proxy, those for plain http are refused: the proxy would read them.
    """
    if len(table) > MOST_HOSTS:
        raise ValueError(f"there are {len(table)} hosts, more than {MOST_HOSTS}")
    found: dict[str, SecretHeaders] = {}
    for name, credential in table.items():
        origin = _origin(name)
        if origin.key in found:
            raise ValueError(f"{origin.key} is there twice")
        if origin.scheme == "http" and proxy:
            raise ValueError(f"{origin.key}: plain http through a proxy would show them to the proxy")
        try:
            lines = credential.lines()
        except ValueError as error:
            raise ValueError(f"{origin.key}: {error}") from None
        found[origin.key] = SecretHeaders(lines)
    return Credentials(found, table)


def credentials_of(settings: FetchSettings) -> Credentials:
    """Those of the settings; raises ConfigError."""
    try:
        return read_credentials(settings.credentials, proxy=settings.proxy)
    except ValueError as error:
        raise ConfigError(f"RETAILPULSE_FETCH_CREDENTIALS: {error}") from None


def _origin(name: str) -> Origin:
    form = _HOST.fullmatch(name)
    if form is None:
        raise ValueError("a host is none; write survey.example.com, with a port host:8443, or http://host")
    try:
        return parse_target(f"{form[1] or 'https'}://{form[2]}/").origin
    except ImageError as error:
        raise ValueError(f"a host is none: {error.detail}") from None
