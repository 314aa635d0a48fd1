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


def with_credentials_file(settings: Settings) -> Settings:
    """The settings with the credentials of their file; raises ConfigError, also for a host in both places."""
    fetch = settings.fetch
    if not fetch.credentials_file:
        return settings
    try:
        content = Path(fetch.credentials_file).read_text()
        found = json.loads(content) if content.lstrip().startswith("{") else tomllib.loads(content)
        table = msgspec.convert(found, dict[str, Credential])
    except OSError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file}: {error}") from None
    except ValueError:  # of TOML, JSON or UTF-8: its text may quote a secret
        raise ConfigError(f"{_VARIABLE}: {fetch.credentials_file} is neither TOML nor JSON") from None
    twice = sorted(table.keys() & fetch.credentials.keys())
    if twice:
        raise ConfigError(f"{_VARIABLE}: {twice[0]} is in the settings too")
    merged = msgspec.structs.replace(fetch, credentials={**fetch.credentials, **table})
    return msgspec.structs.replace(settings, fetch=merged)
