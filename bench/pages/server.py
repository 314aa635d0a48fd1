"""A PostgreSQL with our tables in a folder of its own, for the time of a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.scratch_process import ScratchProcess
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate


@contextmanager
def server() -> Iterator[str]:
    """Gives the URL of the owner of the tables; the folder is gone in the end."""
    with ScratchProcess("pages") as scratch:
        running = EmbeddedServer(scratch.folder / "data")
        running.start()
        try:
            migrate(running.url_of_owner())
            yield running.url_of_owner()
        finally:
            running.stop()
