"""Answers of the service as text for people: a summary, tables, and one line per result.

What comes from outside (URLs, details, store ids) is shown without control characters: it may hold escapes.
"""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from retailpulse.cli.answers import Imported, Job, Row
from retailpulse.cli.progress import duration, moving
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import parse_instant

MAX_BAD_LINES = 20
"""How many bad lines of a store file are shown."""

_PIPE_WIDTH = 200  # nothing is cut off where no one looks
_COLOURS = {
    JobStatus.ONGOING: "cyan",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "yellow",
}
_LINE = "{no:>8}  {store:<12}  {outcome:<19}  {format:<6}  {size:<11}  {perimeter:>9}  {url}"


def output_console() -> Console:
    """Standard output, as it is now."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def printable(text: str) -> str:
    """The text with every control character replaced."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def summary(job: Job) -> str:
    """How a job ended, in one line."""
    counts = job.images
    causes = ", ".join(f"{number:,} {cause}" for cause, number in job.causes.items())
    without = counts.failed + counts.cancelled
    failed = f", {without:,} not ({causes})" if counts.cancelled else f", {without:,} failed ({causes})"
    failed = failed if without else ""
    took = took_seconds(job)
    rate = f" in {duration(took)}, {counts.settled / took:,.0f} images/s" if took else ""
    return f"{job.status}: {counts.measured:,} of {counts.total:,} images measured{failed}{rate}"


def took_seconds(job: Job) -> float | None:
    """How long the job took, from submit to end; None while it goes on."""
    start, end = parse_instant(job.submitted_at), parse_instant(job.finished_at or "")
    return max(0.001, (end - start).total_seconds()) if start and end else None


def titled_table(title: str, *columns: str) -> Table:
    """A table in the one look that all have here."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def job_view(job: Job) -> RenderableType:
    """A job with its causes and its stores with failures."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("job", job.job_id)
    facts.add_row("status", Text(job.status, style=_COLOURS[job.status]))
    facts.add_row("depth", job.depth)
    facts.add_row("images", moving(job))
    facts.add_row("measured", f"{job.images.measured:,}")
    facts.add_row("submitted", job.submitted_at)
    if job.finished_at:
        facts.add_row("finished", job.finished_at)
    parts: list[RenderableType] = [facts]
    if job.causes:
        parts += ["", cause_table(job)]
    if job.stores:
        parts += ["", store_table(job)]
    return Group(*parts)


def cause_table(job: Job) -> Table:
    """How many images failed for which cause."""
    table = titled_table("Failures by cause", "cause")
    table.add_column("images", justify="right")
    for cause, number in job.causes.items():
        table.add_row(printable(cause), f"{number:,}")
    return table


def store_table(job: Job) -> Table:
    """The stores with failures, in the order of the job."""
    table = titled_table("Stores with failures", "store")
    table.add_column("failed", justify="right")
    table.add_column("images", justify="right")
    table.add_column("error", overflow="fold")
    for store in job.stores:
        error = Text(printable(store.error))
        table.add_row(Text(printable(store.store_id)), f"{store.failed:,}", f"{store.images:,}", error)
    return table


def row_header() -> str:
    """The header over the lines of `row_line`."""
    return _LINE.format(
        no="IMAGE",
        store="STORE",
        outcome="OUTCOME",
        format="FORMAT",
        size="SIZE",
        perimeter="PERIMETER",
        url="URL",
    )


def row_line(row: Row) -> str:
    """One result in one line; a failure ends with its detail."""
    detail = f"  ({printable(row.detail)})" if row.detail else ""
    return _LINE.format(
        no=row.image_no,
        store=printable(row.store_id),
        outcome=row.cause or row.outcome or "-",
        format=row.format or "-",
        size=f"{row.width}x{row.height}" if row.width else "-",
        perimeter=f"{row.perimeter:,}" if row.perimeter else "-",
        url=printable(row.image_url) + detail,
    )


def import_report(done: Imported) -> Iterator[str]:
    """What an import did, and which lines kept it from doing more."""
    counts = f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged"
    if done.loaded:
        yield f"Stores loaded: {counts}" + (
            f", {done.rejected:,} bad lines left out" if done.rejected else ""
        )
    else:
        yield f"Nothing was loaded: {done.rejected:,} bad lines. --good-lines loads the others."
    shown = done.errors[:MAX_BAD_LINES]
    yield from (f"  line {bad.line}: {printable(bad.error)}" for bad in shown)
    if done.rejected > len(shown):
        yield f"  and {done.rejected - len(shown):,} more"
