"""The user that the children of `serve` run as, and the part of our environment that each of them gets.

If we are root: an ordinary user, if it can do all that a child does. This module, run by `python -m` as
that user, tries it. Weak: if it cannot, the children stay root, and a line says why.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from retailpulse.bootstrap.credentials_key import make_key
from retailpulse.bootstrap.database import OpenDatabase
from retailpulse.config.loading import (
    CONFIG_FILE_VARIABLE,
    CREDENTIALS,
    OTHER_VARIABLES,
    Loaded,
    load,
    variable,
)
from retailpulse.config.settings import FetchSettings, Settings
from retailpulse.domain.errors import RetailPulseError
from retailpulse.process.service_manager import VARIABLES
from retailpulse.storage.postgres.database import try_to_connect
from retailpulse.storage.postgres.os_user import OsUser, current_user, os_user_for

logger = logging.getLogger(__name__)

PATHS = (
    ("api", "spool_dir"),
    ("fetch", "ca_file"),
    ("fetch", "intermediates_file"),
    ("database", "data_dir"),
)
TRIAL_SECONDS = 60.0
_CLIENTS = OTHER_VARIABLES - {CONFIG_FILE_VARIABLE}
_CREDENTIALS_FILE = variable("fetch", "credentials_file")
_WORKERS_ALONE = (variable("callbacks", "secret"),)


def child_environment(
    loaded: Loaded, database: OpenDatabase, credentials_fd: int | None = None
) -> dict[str, str]:
    """The environment of the children: ours, with every setting that is no default written out.

    Not in it: what a service manager says to us, what is meant for clients or for another's PostgreSQL, and,
    if the database is the embedded one, whatever leads to another. Credentials of hosts are in the file
    `credentials_fd`.
    """
    strange = ("POSTGRES_", "PG") if database.server is not None else ("POSTGRES_",)
    environment = {
        name: text
        for name, text in os.environ.items()
        if name not in VARIABLES and name not in _CLIENTS and not name.startswith(strange)
    }
    # Not those of the settings file, which a child may find too: all are in one file in memory.
    environment |= {variable(*name): "{}" for name in CREDENTIALS}
    environment[_CREDENTIALS_FILE] = ""
    for room, field in loaded.sources.keys() - {*CREDENTIALS, ("fetch", "credentials_file")}:
        value = getattr(getattr(loaded.settings, room), field)
        is_path = (room, field) in PATHS and value
        environment[variable(room, field)] = str(Path(value).absolute()) if is_path else str(value)
    environment[variable("database", "url")] = database.url
    if database.server is not None:
        environment[variable("database", "data_dir")] = str(database.server.data_dir)
        if not loaded.settings.fetch.credentials_key:
            environment[variable("fetch", "credentials_key")] = make_key(database.server)
    if credentials_fd is not None:
        environment[_CREDENTIALS_FILE] = f"/proc/self/fd/{credentials_fd}"
    return environment


def open_credentials(settings: FetchSettings) -> int | None:
    """A file in memory with the credentials of hosts and stores: others can read an environment."""
    if not settings.credentials and not settings.stores:
        return None
    descriptor = os.memfd_create("credentials")
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(msgspec.json.encode({**settings.credentials, **settings.stores}))
    return descriptor


def environment_of_api(environment: Mapping[str, str]) -> dict[str, str]:
    """The same for the API: without the secrets that workers alone need."""
    kept = {name: text for name, text in environment.items() if name not in _WORKERS_ALONE}
    return {**kept, _CREDENTIALS_FILE: ""}


def choose_os_user(
    database: OpenDatabase, environment: dict[str, str], credentials_fd: int | None = None
) -> OsUser:
    """The user that the children run as; changes their environment to what fits that user."""
    if os.geteuid() != 0:
        return current_user()
    try:
        account = database.server.os_user() if database.server is not None else os_user_for()
    except RetailPulseError as error:
        logger.warning("API and workers run as root: %s", error)
        return current_user()
    # All settings are in the environment; the folder that the file was found in is not theirs.
    fitting = {**environment, "HOME": "/", CONFIG_FILE_VARIABLE: os.devnull}
    reason = _why_not(account, fitting, () if credentials_fd is None else (credentials_fd,))
    if reason is not None:
        logger.warning("API and workers run as root: the user %s %s", account.name, reason)
        return current_user()
    logger.info("API and workers run as the user %s", account.name)
    environment.update(fitting)
    return account


def _why_not(account: OsUser, environment: Mapping[str, str], descriptors: Sequence[int]) -> str | None:
    """None if the user can do what a child does, else what it cannot."""
    command = [sys.executable, "-m", "retailpulse.supervisor.privileges"]
    try:
        tried = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TRIAL_SECONDS,
            env=environment,
            pass_fds=descriptors,
            cwd="/",
            **account.process_options(),
        )
    except PermissionError:
        return f"cannot run {Path(sys.executable).resolve()}; install Python and Retail Pulse where it can"
    except subprocess.TimeoutExpired:
        return f"could not begin within {TRIAL_SECONDS:g} s"
    if tried.returncode == 0:
        return None
    lines = (
        tried.stdout.strip() or tried.stderr.strip() or f"ended with code {tried.returncode}"
    ).splitlines()
    return f"cannot do what they do: {lines[-1]}"


def _missing(settings: Settings) -> Iterable[str]:
    """What a child with these settings could not do as the user that we are."""
    folder = settings.api.spool_dir or None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        yield f"no file can be written to {folder or tempfile.gettempdir()}: {error.strerror}"
    for file in filter(None, (settings.fetch.ca_file, settings.fetch.intermediates_file)):
        try:
            Path(file).open("rb").close()
        except OSError as error:
            yield f"{file} cannot be read: {error.strerror}"
    try:
        try_to_connect(settings.database.url)
    except RetailPulseError as error:
        yield str(error)


def main() -> None:
    """Exits with 1, and says why, if a child of `serve` could not work as this user."""
    reason = next(iter(_missing(load().settings)), None)
    if reason is not None:
        sys.stdout.write(f"{reason}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
