"""Reads tables of credentials from a file of their own, and from text. No error quotes what it read."""

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from retailpulse.config.settings import Settings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError

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
    try:
        found = json.loads(content) if content.lstrip().startswith("{") else tomllib.loads(content)
    except ValueError:  # its text may quote a secret
        raise ValueError("it is neither TOML nor JSON") from None
    return msgspec.convert(found, dict[str, Credential])


def with_credentials_file(settings: Settings) -> Settings:
    """The settings with the credentials of their file; raises ConfigError, also for a host in both places."""
    fetch = settings.fetch
    if not fetch.credentials_file:
        return settings
    try:
        table = parse_tables(Path(fetch.credentials_file).read_text())
    except OSError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file} is not UTF-8") from None
    except ValueError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error}") from None
    twice = sorted(table.keys() & fetch.credentials.keys())
    if twice:
        raise ConfigError(f"{_VARIABLE}: {twice[0]} is in the settings too")
    merged = msgspec.structs.replace(fetch, credentials={**fetch.credentials, **table})
    return msgspec.structs.replace(settings, fetch=merged)
