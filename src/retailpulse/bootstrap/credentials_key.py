"""The key that seals the credentials of jobs: that of the settings, or a file beside the embedded database.

The file is no part of the database's folder, and so of no backup.
"""

import base64
import os
from pathlib import Path

import msgspec

from retailpulse.config.settings import Settings
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.os_user import open_own

FILE = "credentials.key"
_KEY_BYTES = 32


def make_key(server: EmbeddedServer) -> str:
    """The key in the data directory, made there the first time, for the user of the data alone."""
    with open_own(server.data_dir / FILE, server.os_user()) as file:
        file.seek(0)
        found = file.read().decode("ascii", "replace").strip()
        if not found:
            found = base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()
            file.write(f"{found}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    return found


def with_key(settings: Settings) -> Settings:
    """The settings with the key of the data directory, if they name none and have no other database."""
    path = Path(settings.database.data_dir).expanduser() / FILE
    if settings.fetch.credentials_key or settings.database.url or not path.is_file():
        return settings
    fetch = msgspec.structs.replace(settings.fetch, credentials_key=path.read_text().strip())
    return msgspec.structs.replace(settings, fetch=fetch)
