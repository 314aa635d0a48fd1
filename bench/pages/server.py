"""A PostgreSQL with our tables and many results, for the time of a measurement or kept for the next one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cases import BenchFailed
from bench.pages.filled import Size, fill
from bench.scratch_process import ScratchProcess
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate

_NOTE = "filled"
"""A file that says with what the database beside it was filled to the end."""
_POSTMASTER = "data/postgres/postmaster.pid"


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledServer:
    """A running server: the URL of the owner of its tables, and its first process."""

    url: str
    pid: int


@contextmanager
def filled_server(size: Size, kept: Path | None = None) -> Iterator[FilledServer]:
    """Runs a server that was filled; in a folder that is gone in the end, or in `kept`, which is used again.

    Raises BenchFailed if `kept` has something else.
    """
    with ExitStack() as stack:
        folder = kept or stack.enter_context(ScratchProcess("pages")).folder
        is_filled = _is_filled(folder, size)
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        running = EmbeddedServer(folder / "data")
        running.start()
        stack.callback(running.stop)
        url = running.url_of_owner()
        migrate(url)
        if not is_filled:
            fill(url, size)
            (folder / _NOTE).write_text(str(size))
        yield FilledServer(url=url, pid=int((folder / _POSTMASTER).read_text().split()[0]))


def _is_filled(folder: Path, size: Size) -> bool:
    note = folder / _NOTE
    if note.exists():
        if note.read_text() != str(size):
            raise BenchFailed(f"{folder} was filled with {note.read_text()}: name another folder")
        return True
    if folder.exists() and any(folder.iterdir()):
        raise BenchFailed(f"{folder} has something else, or was not filled to the end: name another folder")
    return False
