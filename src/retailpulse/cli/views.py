"""Answers of the service as text for people: a job, its causes and stores, a summary, an import.

What comes from outside (URLs, details, store ids) is shown without control characters: it may hold escapes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from retailpulse.cli.progress import duration, moving, rate
from retailpulse.cli.terminal import printable
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import Imported, Job, Stats, WaitingFor

MAX_BAD_LINES = 20
"""How many bad lines of a store file are shown."""

_COLOURS = {
    JobStatus.ONGOING: "cyan",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "yellow",
}
_REASONS = {
    "breaker": "the host only failed lately: its circuit breaker is open",
    "rest": "the host is left alone for a while",
    "pace": "the host is asked at a pace that it bears",
    "cap": "as many requests at once as the host bears",
}


def when(instant: datetime | None) -> str:
    """A time in UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else "-"


def share(some: int, of: int) -> str:
    """What part of something some are, in per cent; nothing of nothing is told as such."""
    return f"{some / of:.1%}" if of else "-"


def summary(job: Job) -> str:
    """How a job ended, in one line."""
    counts = job.images
    causes = ", ".join(
        f"{number:,} {cause}" for cause, number in job.causes.items() if cause != Cause.CANCELLED
    )
    others = f", {counts.failed:,} failed ({causes})" if counts.failed else ""
    others += f", {counts.cancelled:,} cancelled" if counts.cancelled else ""
    took = took_seconds(job)
    speed = f" in {duration(took)}, {rate(counts.settled / took)} images/s" if took else ""
    return f"{job.status}: {counts.measured:,} of {counts.total:,} images measured{others}{speed}"


def took_seconds(job: Job) -> float | None:
    """How long the job took, from submit to end; None while it goes on."""
    return max(0.001, (job.finished_at - job.submitted_at).total_seconds()) if job.finished_at else None


def titled_table(title: str, *columns: str) -> Table:
    """An empty table in the common style."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def job_view(job: Job) -> RenderableType:
    """A job with its causes and its stores with failures."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("job", Text(job.job_id))
    if job.name:
        facts.add_row("name", Text(printable(job.name)))
    facts.add_row("status", Text(job.status, style=_COLOURS[job.status]))
    facts.add_row("depth", job.depth)
    if job.priority:
        facts.add_row("priority", str(job.priority))
    if job.labels:
        labels = ", ".join(f"{name}={text}" for name, text in job.labels.items())
        facts.add_row("labels", Text(printable(labels)))
    facts.add_row("images", moving(job))
    facts.add_row("measured", f"{job.images.measured:,}")
    if job.retries:
        facts.add_row("retries", f"{job.retries:,}")
    facts.add_row("submitted", when(job.submitted_at))
    if job.finished_at:
        facts.add_row("finished", when(job.finished_at))
    if job.callback_url:
        facts.add_row("callback", Text(printable(job.callback_url)))
    parts: list[RenderableType] = [facts]
    if job.waiting_for and job.waiting_for.hosts:
        parts += ["", waiting_table(job.waiting_for)]
    if job.causes:
        parts += ["", cause_table(job)]
    if job.flags:
        parts += ["", flag_table(job)]
    if job.stores:
        parts += ["", store_table(job)]
    return Group(*parts)


def waiting_table(waiting: WaitingFor) -> Table:
    """The hosts that a job waits for, and what limits each."""
    table = titled_table("Waits for", "host")
    table.add_column("images", justify="right")
    table.add_column("why")
    for host in waiting.hosts:
        number = f"{host.images:,}" + ("" if waiting.counted_all else "+")
        why = "its turn" if host.reason is None else _REASONS.get(host.reason, host.reason)
        table.add_row(Text(printable(host.origin)), number, printable(why))
    if waiting.more_hosts:
        table.add_row(f"and {waiting.more_hosts:,} more", "", "")
    return table


def cause_table(job: Job) -> Table:
    """How many images were not measured for which cause."""
    table = titled_table("Not measured, by cause", "cause")
    table.add_column("images", justify="right")
    for cause, number in job.causes.items():
        table.add_row(Text(printable(cause)), f"{number:,}")
    return table


def flag_table(job: Job) -> Table:
    """How many photos are flagged for what, and what part of the measured ones that is."""
    table = titled_table("Flagged", "flag")
    for title in ("images", "share"):
        table.add_column(title, justify="right")
    counts = {**job.flags, "any of them": job.flagged} if len(job.flags) > 1 else job.flags
    for flag, number in counts.items():
        table.add_row(Text(printable(flag)), f"{number:,}", share(number, job.images.measured))
    return table


def store_table(job: Job) -> Table:
    """The stores with failed or cancelled images, in the order of the job."""
    title = "Stores with cancelled images" if job.images.cancelled else "Stores with failures"
    table = titled_table(title, "store")
    counts = ("failed", "cancelled", "images") if job.images.cancelled else ("failed", "images")
    for name in counts:
        table.add_column(name, justify="right")
    table.add_column("error", overflow="fold")
    for store in job.stores:
        numbers = (f"{getattr(store, name):,}" for name in counts)
        table.add_row(Text(printable(store.store_id)), *numbers, Text(printable(store.error)))
    return table


def import_report(done: Imported) -> Iterator[str]:
    """Lines about an import: its counts, and the bad lines of the file."""
    counts = f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged"
    if done.dry_run and (done.added + done.changed + done.unchanged or not done.rejected):
        yield f"Nothing was loaded, as asked. It would be: {counts}" + (
            f", {done.rejected:,} bad lines left out" if done.rejected else ""
        )
    elif done.loaded:
        yield f"Stores loaded: {counts}" + (
            f", {done.rejected:,} bad lines left out" if done.rejected else ""
        )
    else:
        yield f"Nothing was loaded: {done.rejected:,} bad lines. --good-lines loads the others."
    if done.unlocated:
        yield f"{done.unlocated:,} at latitude 0, longitude 0: their place is taken for unknown"
    if done.read_as is not None:
        yield f"Read as {printable(done.read_as)}"
    shown = done.errors[:MAX_BAD_LINES]
    yield from (f"  line {bad.line}: {printable(bad.error)}" for bad in shown)
    if done.rejected > len(shown):
        yield f"  and {done.rejected - len(shown):,} more"


def stats_view(stats: Stats) -> RenderableType:
    """What the service did lately, what waits, and how many workers there are."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("workers", f"{stats.workers:,}")
    facts.add_row("workers wanted", f"{stats.workers_wanted:,}")
    facts.add_row("images a second", f"{stats.images_per_second:,.1f}")
    facts.add_row("unsettled images", f"{stats.unsettled_images:,}")
    facts.add_row("waiting images", f"{stats.waiting_images:,}")
    facts.add_row("open breakers", f"{stats.open_breakers:,}")
    waiting = stats.oldest_pending_seconds
    facts.add_row("the oldest waits", "-" if waiting is None else duration(waiting))
    for status, number in stats.jobs.items():
        facts.add_row(f"jobs {status}", f"{number:,}")
    table = titled_table("Images", "")
    for title in ("last hour", "last day"):
        table.add_column(title, justify="right")
    hour, day = msgspec.structs.asdict(stats.images.hour), msgspec.structs.asdict(stats.images.day)
    for name, number in (day | stats.causes.day).items():
        lately = (hour | stats.causes.hour).get(name, 0)
        table.add_row(Text(printable(name)), f"{lately:,}", f"{number:,}")
    return Group(facts, "", table)
