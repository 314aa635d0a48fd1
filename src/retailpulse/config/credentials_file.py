"""Reads tables of credentials from a file of their own, and from text. No error quotes what it read."""

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from retailpulse.config.settings import Settings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError
from retailpulse.domain.object_stores import StoreCredential

_STORES = ("s3://", "gs://", "az://")
_VARIABLE = "RETAILPULSE_FETCH_CREDENTIALS_FILE"


def read_table(text: str) -> Any:
    """The object of JSON that a text is; raises msgspec.ValidationError."""
    try:
        return json.loads(text)
    except ValueError:
        raise msgspec.ValidationError(
            'it is no JSON like {"survey.example.com": {"bearer": "..."}}'
        ) from None


def parse_tables(content: str) -> dict[str, Credential]:
    """Tables by host, in TOML or JSON; raises ValueError, which quotes nothing of them."""
    return msgspec.convert(_read(content), dict[str, Credential])


def _parse_all(content: str) -> tuple[dict[str, Credential], dict[str, StoreCredential]]:
    """The tables of hosts, and those of buckets; raises ValueError as `parse_tables` does."""
    found = _read(content)
    stores = {name: found.pop(name) for name in list(found) if name.startswith(_STORES)}
    return msgspec.convert(found, dict[str, Credential]), msgspec.convert(stores, dict[str, StoreCredential])


def _read(content: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = (
            json.loads(content) if content.lstrip().startswith("{") else tomllib.loads(content)
        )
    except ValueError:  # its text may quote a secret
        raise ValueError("it is neither TOML nor JSON") from None
    return found


def with_credentials_file(settings: Settings) -> Settings:
    """The settings with the credentials of their file; raises ConfigError, also for a host in both places."""
    fetch = settings.fetch
    if not fetch.credentials_file:
        return settings
    try:
        hosts, stores = _parse_all(Path(fetch.credentials_file).read_text())
    except OSError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file} is not UTF-8") from None
    except ValueError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error}") from None
    twice = sorted((hosts.keys() & fetch.credentials.keys()) | (stores.keys() & fetch.stores.keys()))
    if twice:
        raise ConfigError(f"{_VARIABLE}: {twice[0]} is in the settings too")
    merged = msgspec.structs.replace(
        fetch, credentials={**fetch.credentials, **hosts}, stores={**fetch.stores, **stores}
    )
    return msgspec.structs.replace(settings, fetch=merged)
