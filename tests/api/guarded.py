"""What the tests of the security middleware share: a database, keys made in it, and APIs that want one."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.api_keys import Scope
from retailpulse.service import ApiKeys
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import RunningApi
from tests.migrated_data import start_migrated


def make_key(url: str, *scopes: Scope, lifetime: timedelta | None = None, name: str = "a test") -> str:
    """A new key with these scopes."""

    async def run() -> str:
        database = Database(url, DatabaseSettings(), pool_size=1)
        await database.open()
        try:
            token, _ = await ApiKeys(database).create(name, scopes, lifetime)
        finally:
            await database.close()
        return token.text()

    return asyncio.run(run())


def bearer(key: str) -> dict[str, str]:
    """The header that sends a key."""
    return {"Authorization": f"Bearer {key}"}


class Guarded:
    """A database of its own and the APIs on it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._count = 0
        stack.callback(self.stop)
        self.start()
        self.url = start_migrated(self.server)

    def start(self) -> None:
        """Starts the database."""
        self.server = EmbeddedServer(self._folder / "data")
        self.server.start()

    def stop(self) -> None:
        """Ends the database."""
        self.server.stop()

    def begin(self, environment: Mapping[str, str] | None = None) -> RunningApi:
        """Starts an API."""
        self._count += 1
        api = RunningApi(self._folder / f"api-{self._count}", self.url, environment)
        self._stack.callback(api.stop)
        return api

    def api(self, environment: Mapping[str, str] | None = None) -> RunningApi:
        """Starts an API and waits for it."""
        return self.begin(environment).wait_until_ready()

    def key(self, *scopes: Scope, lifetime: timedelta | None = None) -> str:
        """A new key."""
        return make_key(self.url, *scopes, lifetime=lifetime)


@contextmanager
def guarded_by(folder: Path) -> Iterator[Guarded]:
    """A database that is stopped at the end, after its APIs."""
    with ExitStack() as stack:
        yield Guarded(folder, stack)


def problem_of(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, str]]:
    """What an answer tells, without the path that was asked for, the id of the request, and the counts."""
    body = {name: value for name, value in answer.json().items() if name not in {"instance", "request_id"}}
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"date", "content-length", "x-request-id"} and not name.startswith("ratelimit-")
    }
    return answer.status_code, headers, body
