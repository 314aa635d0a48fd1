"""Shows how far a file is sent: a bar, then a spinner while the service takes it in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

from retailpulse.cli.progress import error_console


@contextmanager
def shown_upload(what: str) -> Iterator[Callable[[int, int], None]]:
    """What is to be told how many bytes are sent, of how many; nothing shows where nobody looks."""
    console = error_console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(f"Sending {what}", total=None)

        def sent(sent_bytes: int, size_bytes: int) -> None:
            if sent_bytes < size_bytes:
                bar.update(task, completed=sent_bytes, total=size_bytes)
            else:
                bar.update(task, description=f"The service takes {what} in", total=None)

        yield sent
