"""Shows how far a file is sent by a bar, and by a spinner that the service then takes it in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

from retailpulse.cli.console import error_console


@contextmanager
def shown_upload(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function that takes how many bytes are sent, of how many; it shows nothing unless on a terminal."""
    console = error_console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(f"Sending {what}", total=None)

        def sent(sent_bytes: int, size_bytes: int) -> None:
            is_sent = sent_bytes == size_bytes
            text = f"The service takes {what} in" if is_sent else f"Sending {what}"
            bar.update(task, description=text, completed=sent_bytes, total=size_bytes)

        yield sent
