"""Progress on standard error: a live bar on a terminal, a plain line now and then elsewhere.

Standard output stays free for what a command answers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from retailpulse.cli.console import error_console
from retailpulse.client.waiting import Progress as Moment
from retailpulse.schema import Job

_LINE_SECONDS = 10.0


class JobProgress:
    """Shows a job moving; use it as a context and `show` each answer of the service."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_line = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[facts]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("images", total=None, facts="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, job: Moment) -> None:
        """Show the state of the job."""
        facts = moving(job)
        self._bar.update(self._task, total=job.images.total, completed=job.images.settled, facts=facts)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_SECONDS
            self._console.print(facts)


@contextmanager
def shown_count(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A function that takes how many more are done; it shows nothing unless on a terminal."""
    console = error_console()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def moving(job: Job | Moment) -> str:
    """The state of a job, in one line."""
    parts = [f"{job.images.settled:,}/{job.images.total:,}"]
    if job.images_per_second:
        parts.append(f"{rate(job.images_per_second)}/s")
    if job.seconds_left is not None and job.images.settled < job.images.total:
        parts.append(f"{duration(job.seconds_left)} left")
    if job.images.failed:
        parts.append(f"{job.images.failed:,} failed")
    if job.images.cancelled:
        parts.append(f"{job.images.cancelled:,} cancelled")
    return "  ".join(parts)


def rate(per_second: float) -> str:
    """A rate per second as text, with one decimal if it is small."""
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}".removesuffix(".0")


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 2 min 5 s, 3 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
