"""Checks the credentials of the settings at the start, before a worker would end because of them."""

from retailpulse.config.settings import FetchSettings
from retailpulse.fetch.access.credentials import credentials_of
from retailpulse.fetch.access.object_stores import ObjectStores


def check_credentials(settings: FetchSettings) -> None:
    """Raise ConfigError for credentials of hosts or stores that cannot be used."""
    credentials_of(settings)
    ObjectStores(settings)
