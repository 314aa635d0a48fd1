"""Reads the settings: command line over environment over TOML file over defaults.

Every value remembers its source, for `retailpulse config`. A name that no setting has is an
error, so that a typing mistake is not silently the default.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from retailpulse.config.credentials_file import read_table, with_credentials_file
from retailpulse.config.database_url import is_database_url
from retailpulse.config.settings import DatabaseSettings, Settings
from retailpulse.domain.errors import ConfigError

PREFIX = "RETAILPULSE_"
CONFIG_FILE_VARIABLE = "RETAILPULSE_CONFIG"
DEFAULT_CONFIG_FILE = "retailpulse.toml"
MAX_NUMBER = 1e9
"""Largest number of seconds: 30 years. What comes after it overflows somewhere (and so does infinity)."""
OTHER_VARIABLES = frozenset(
    {CONFIG_FILE_VARIABLE, "RETAILPULSE_URL", "RETAILPULSE_API_KEY", "RETAILPULSE_JOB_CREDENTIALS"}
)

Name = tuple[str, str]
CREDENTIALS: Collection[Name] = (("fetch", "credentials"), ("fetch", "stores"))
"""Tables of secrets."""
REMOVED: Mapping[Name, str] = {
    ("worker", "chunks"): "a worker takes as many images as its hosts bear now",
    ("worker", "chunk_images"): "a worker takes as many images as its hosts bear now",
}
"""Settings of earlier versions, and what is in their place."""
"""A room and one of its fields, e.g. ("fetch", "per_host")."""
BY_PARENT = "serve"
"""The source of what a child of `serve` was given by it, and no person has set."""
FOR_WORKERS_ALONE: Collection[Name] = (
    *CREDENTIALS,
    ("fetch", "credentials_file"),
    ("callbacks", "secret"),
)
"""What `serve` gives to its workers and not to its API."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting: its value, the source of that, and its meaning."""

    variable: str
    value: Any
    source: str
    meaning: str
    is_kept_back: bool = False
    """It was set, but is not known to this process."""

    def shown(self) -> Any:
        """The value as it may be shown: without a password or a secret."""
        if self.is_kept_back:
            return "***"
        if self.variable.endswith(("_SECRET", "_CREDENTIALS_KEY")) and self.value:
            return "***"
        if isinstance(self.value, dict):  # credentials: only whose they are
            return dict.fromkeys(self.value, "***")
        return _without_passwords(self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """All settings, and the source of each that is not a default."""

    settings: Settings
    sources: Mapping[Name, str]
    kept_back: Collection[Name] = ()

    def listed(self) -> Iterator[Setting]:
        """Every setting, in the order in which they are declared."""
        for room, field in _names():
            yield Setting(
                variable=variable(room, field.name),
                value=_value(self.settings, (room, field.name)),
                source=self.sources.get((room, field.name), "default"),
                meaning=_meaning(field.type),
                is_kept_back=(room, field.name) in self.kept_back,
            )

    def written_sources(self) -> str:
        """The sources as a text, for a child that is given all values in its environment."""
        return json.dumps({variable(*name): source for name, source in self.sources.items()})

    def with_sources(self, written: str) -> "Loaded":
        """The same settings in an API that `serve` has started, with the sources that `serve` has written."""
        told, defaults = json.loads(written), Settings()
        kept_back = [name for name in FOR_WORKERS_ALONE if variable(*name) in told]
        sources = {
            name: told.get(variable(*name), BY_PARENT)
            for name in (*self.sources, *kept_back)
            if variable(*name) in told or _value(self.settings, name) != _value(defaults, name)
        }
        return Loaded(settings=self.settings, sources=sources, kept_back=kept_back)


def load(
    *,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[Name, Any] | None = None,
) -> Loaded:
    """Reads and checks all settings; `overrides` are what the command line said.

    Raises ConfigError, naming the setting, its source and what is wrong.
    """
    values: dict[Name, Any] = {}
    sources: dict[Name, str] = {}
    for source, layer in (
        ("file", _from_file(environ)),
        ("environment", _from_environment(environ)),
        ("command line", dict(overrides or {})),
    ):
        values.update(layer)
        sources.update(dict.fromkeys(layer, source))
    settings = Settings(**{room: _room(room, values, sources) for room in Settings.__struct_fields__})
    settings = with_credentials_file(settings)
    if settings.fetch.credentials_file:
        sources = {**dict.fromkeys(CREDENTIALS, "file"), **sources}
    _check_database_urls(settings.database, sources)
    settings.fetch.networks()  # these raise if they cannot be read: at start, not at the first photo
    settings.fetch.port_numbers()
    settings.fetch.hosts()
    settings.fetch.proxy_url()
    settings.fetch.credentials_keys()
    settings.measure.pause()
    settings.matches.relations()
    settings.api.host_names()
    settings.api.origins()
    settings.api.proxies()
    settings.callbacks.secrets()
    return Loaded(settings=settings, sources=sources)


def _check_database_urls(settings: DatabaseSettings, sources: Mapping[Name, str]) -> None:
    for field in ("url", "direct_url"):
        text = getattr(settings, field)
        if text and not is_database_url(text):
            raise ConfigError(
                f"{variable('database', field)} (from the {sources['database', field]}) is not like"
                " postgresql://user:password@host:5432/name; in a password, %, / and @ are written %25, %2F"
                " and %40. It is not shown here, as a password may be in it"
            )
    if settings.direct_url and not settings.url:
        raise ConfigError(
            f"{variable('database', 'direct_url')} is set, but not {variable('database', 'url')}: "
            "the first is the PostgreSQL behind the pooler that the second names"
        )


def variable(room: str, field: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{room}_{field}".upper()


def _value(settings: Settings, name: Name) -> Any:
    return getattr(getattr(settings, name[0]), name[1])


def _without_passwords(text: str) -> str:
    """A database URL or a `name=value` list without its passwords; hides too much rather than too little."""
    text = re.sub(r"(?<=//)([^:@]*):.*@", r"\1:***@", text)
    return re.sub(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", r"\1***", text, flags=re.IGNORECASE)


def _names() -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    for room in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(room.type):
            yield room.name, field


def _meaning(annotated: Any) -> str:
    return next((meta.description or "" for meta in getattr(annotated, "__metadata__", ())), "")


def _from_environment(environ: Mapping[str, str]) -> dict[Name, Any]:
    known = {variable(room, field.name): (room, field.name) for room, field in _names()}
    ours = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    for name in ours.keys() - known.keys() - OTHER_VARIABLES:
        raise ConfigError(f"there is no setting {name}{_suggestion(name, known)}")
    return {known[name]: text for name, text in ours.items() if name in known}


def _from_file(environ: Mapping[str, str]) -> dict[Name, Any]:
    named = environ.get(CONFIG_FILE_VARIABLE)
    path = Path(named or DEFAULT_CONFIG_FILE)
    if not named and not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error}") from error
    known = {f"{room}.{field.name}": (room, field.name) for room, field in _names()}
    found: dict[Name, Any] = {}
    for room, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {room} must be a table like [{room}]")
        for field, value in table.items():
            name = f"{room}.{field}"
            if name not in known:
                raise ConfigError(f"{path}: there is no setting {name}{_suggestion(name, known)}")
            found[known[name]] = value
    return found


def _suggestion(name: str, known: Mapping[str, Name]) -> str:
    for room, field in REMOVED:
        if name in {variable(room, field), f"{room}.{field}"}:
            return f" any more: remove it; {REMOVED[room, field]}"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; did you mean {near[0]}?" if near else "; `retailpulse config` lists all"


def _room(room: str, values: Mapping[Name, Any], sources: Mapping[Name, str]) -> Any:
    kind = Settings.__annotations__[room]
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        name = (room, field.name)
        if name not in values:
            continue
        try:
            found = values[name]
            if name in CREDENTIALS and isinstance(found, str):
                found = read_table(found)
            value = msgspec.convert(found, field.type, strict=False)
            if isinstance(value, float) and value > MAX_NUMBER:
                raise msgspec.ValidationError(f"Expected a number <= {MAX_NUMBER:g}")
            fields[field.name] = value
        except msgspec.ValidationError as error:
            said = "not shown" if name in CREDENTIALS else _without_passwords(repr(values[name]))
            raise ConfigError(
                f"{variable(room, field.name)} (from the {sources[name]}) is {said}: {error}."
                f" It means: {_meaning(field.type)}"
            ) from (None if name in CREDENTIALS else error)
    return kind(**fields)
