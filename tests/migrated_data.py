"""A data directory of the embedded server with our tables in it, made once for all processes of a test run.

To make one is most of what a first start does. Tests of first starts make their own.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate

VARIABLE = "MIGRATED_DATA_OF_TESTS"
"""Where the one of this run is; processes that a run starts inherit it."""


def begin_run() -> None:
    """Says where the data directory of this run will be; nothing is made before it is wanted."""
    folder = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    folder.chmod(0o755)  # the server may be another user's
    os.environ[VARIABLE] = str(folder)


def end_run() -> None:
    """Removes what was made."""
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def copy_migrated(data_dir: Path) -> None:
    """Makes a data directory with our tables, on which nothing has run yet."""
    folder = Path(os.environ[VARIABLE])
    with _locked(folder):
        if not (folder / "data").exists():
            _make(folder)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(folder / "data"), str(data_dir)], check=True)


def start_migrated(server: EmbeddedServer) -> str:
    """Starts a server with our tables in it, and gives its URL for rows."""
    if not server.has_data():
        copy_migrated(server.data_dir)
    server.start()
    migrate(server.url_of_owner())
    return server.url()


def _make(folder: Path) -> None:
    server = EmbeddedServer(folder / "new")
    try:
        server.start()
        migrate(server.url_of_owner())
    finally:
        server.stop()
    server.data_dir.rename(folder / "data")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
