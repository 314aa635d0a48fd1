"""A PostgreSQL that stands for one that somebody else runs, on a TCP port, and what can befall any of them.

`serve` does not look after it. What befalls a server is done to its processes, by the postmaster's number.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.lifecycle.processes import nothing_waits
from tests.processes import children
from tests.running import free_port, wait_for
from tests.storage.servers import OthersServer
from tests.storage.truth import check_truth

CLAIM = "ask AS MATERIALIZED"
"""What the statement of a claim begins with, of which the server shows no more."""


class Postgres:
    """A server with settings of its own that a test starts and stops; `url` leads to it over TCP."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self._folder = folder
        self._server = OthersServer(folder)
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._settings = {"listen_addresses": "127.0.0.1", "port": self.port, **settings}

    def start(self) -> None:
        """Starts the server, the first time with its settings, and waits until it takes connections."""
        settings = self._folder / "postgres" / "postgresql.auto.conf"
        if not settings.exists():
            self._start()
            self.stop()
            lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
            settings.write_text("".join(lines))
        self._start()

    def _start(self) -> None:
        self._server = OthersServer(self._folder)  # one that was stopped is not started again
        self._server.start()

    def stop(self) -> None:
        """Stops the server by the fast way: whoever is connected is thrown out."""
        self._server.stop()

    def crash(self) -> None:
        """Stops the server by the immediate way: its next start recovers as after a crash."""
        os.kill(self.postmaster(), signal.SIGQUIT)
        wait_for(lambda: not self._server.is_running())

    def postmaster(self) -> int:
        """The number of the server's first process."""
        return int((self._folder / "postgres" / "postmaster.pid").read_text().split()[0])

    def ask(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return ask(self.url, query, *values)

    def check_truth(self, *job_ids: str) -> None:
        """Waits until nothing waits, then checks all that must hold."""
        wait_for(lambda: nothing_waits(self.url))
        check_truth(self.url, *job_ids)


def ask(url: str, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds, by a connection of its own that commits each statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def waiting_at(url: str, statement: str) -> list[int]:
    """The sessions of the service that wait for a lock in a statement like this."""
    found = ask(
        url,
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'retailpulse'"
        " AND wait_event_type = 'Lock' AND query ILIKE %s",
        f"%{statement}%",
    )
    return [pid for (pid,) in found]


def embedded_url(folder: Path) -> str:
    """The database that `serve` keeps in a shop's folder."""
    return EmbeddedServer(folder / "data").url()


def processes_of(postmaster: int) -> list[int]:
    """All processes of a server, the first one first."""
    return [postmaster, *children(postmaster)]


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """A server whose processes all stand still while the block runs: the kernel still takes connections."""
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it makes no new process meanwhile
    pids = processes_of(postmaster)
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(reversed(pids), signal.SIGCONT)


def _signal(pids: Iterator[int] | list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def sessions(url: str, *, listening: bool = False) -> set[int]:
    """The sessions of the service on a server: all, or those that only wait for news."""
    found = ask(
        url,
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'retailpulse'"
        " AND (NOT %s OR query ILIKE 'LISTEN%%')",
        listening,
    )
    return {pid for (pid,) in found}


def end_sessions(url: str, pids: set[int]) -> None:
    """Ends sessions as an administrator does."""
    ask(url, "SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", list(pids))
