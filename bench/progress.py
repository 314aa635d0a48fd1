"""One progress line on the terminal, or a plain line per step where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """The progress line; `place` says which part of the whole is on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1.0)
        self._words = ""
        self.place = ""

    def show(self, words: str, share: float) -> None:
        """Show what is being done, and how far it is."""
        console = self._progress.console
        if words != self._words and not console.is_terminal:
            console.print(f"[{self.place}] {words}", markup=False)
        self._words = words
        self._progress.update(self._task, description=f"{self.place} {words}", completed=share)


@contextmanager
def progress_line() -> Iterator[Bar]:
    """Shows a progress line on standard error until the context ends."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)
