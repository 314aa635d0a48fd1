"""The commands about analyses: look again at photos of before, and see what became of it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import rich_click as click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from retailpulse.cli.connection import with_client
from retailpulse.cli.console import error_console
from retailpulse.cli.credentials import credentials_option
from retailpulse.cli.output import answer, json_option
from retailpulse.cli.tables import Column, limit_options, show_list
from retailpulse.cli.terminal import echo
from retailpulse.cli.times import read_time
from retailpulse.cli.views import when
from retailpulse.client import AnalysisJob, AnalysisPart, Client

COLUMNS: tuple[Column[AnalysisJob], ...] = (
    Column(title="JOB", width=36, text=lambda analysis: analysis.job.job_id),
    Column(title="STATUS", width=9, text=lambda analysis: analysis.job.status),
    Column(title="IMAGES", width=9, text=lambda one: f"{one.job.images.total:,}", is_number=True),
    Column(title="SETTLED", width=9, text=lambda one: f"{one.job.images.settled:,}", is_number=True),
    Column(title="ANALYZED", width=9, text=lambda one: f"{one.analyzed:,}", is_number=True),
    Column(title="CHANGED", width=9, text=lambda one: f"{one.changed:,}", is_number=True),
    Column(title="GONE", width=9, text=lambda one: f"{one.gone:,}", is_number=True),
    Column(title="FAILED", width=9, text=lambda one: f"{one.job.images.failed:,}", is_number=True),
    Column(title="SUBMITTED", width=20, text=lambda one: when(one.job.submitted_at)),
)


@click.command()
@click.option(
    "--since",
    callback=read_time,
    metavar="TIME",
    help="Only photos of jobs submitted then or later: 90d, 2026-11-20, today.  [default: all]",
)
@click.option("--until", callback=read_time, metavar="TIME", help="Only photos of jobs submitted before.")
@click.option("--job", "job_id", metavar="ID", help="Only photos of this job.")
@click.option(
    "--analyzer",
    "analyzers",
    multiple=True,
    metavar="NAME",
    help="Only photos that lack this analyzer; may be repeated.  [default: all that are on]",
)
@click.option("--all-depths", is_flag=True, help="Also photos of jobs whose depth is not decode.")
@click.option(
    "--failed-too", is_flag=True, help="Also photos at which an analysis by the same versions failed."
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", help="The most photos.  [default: all]"
)
@click.option("--dry-run", is_flag=True, help="Only say how many photos of how many hosts it would be.")
@credentials_option
@json_option
@with_client
def analyze(
    client: Client,
    since: str | datetime | None,
    until: str | datetime | None,
    dry_run: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Look again at photos that were measured before, by analyzers that are new or have changed since.

    Photos are fetched again, after all other jobs. A photo that has changed at its URL keeps its result.
    A photo at which an analysis has failed is left out: retry that job, or give --failed-too.

    \b
    Examples:
      retailpulse analyze --since 90d --dry-run
      retailpulse analyze --since 90d
      retailpulse analyze --job 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --analyzer sharpness
    """
    job_ids: list[str] = []
    hosts: Counter[str] = Counter()
    left_out = 0
    with _shown() as show:
        for part in client.analyze(since=since, until=until, dry_run=dry_run, **wanted):
            show(part)
            left_out += part.left_out
            hosts.update({host.origin: host.images for host in part.hosts})
            if part.job_id is not None:
                job_ids.append(part.job_id)
                if not as_json:
                    echo(part.job_id)
    sentence = f"{_counted(hosts.total(), 'photo')} at {_counted(len(hosts), 'host')}"
    if left_out:
        sentence += f"; left out: {_counted(left_out, 'photo')} that failed in an analysis (--failed-too)"
    images = hosts.total()
    facts = {"jobs": job_ids, "images": images, "left_out": left_out, "hosts": dict(hosts.most_common())}
    if as_json or dry_run:
        answer(f"Would be looked at again: {sentence}.", as_json=as_json, **facts)
    else:
        error_console().print(f"To be looked at again: {sentence}.", markup=False)


@click.command()
@limit_options
@json_option
@with_client
def analyses(client: Client, **options: Any) -> None:
    """List analyses, the newest first, and what became of their photos.

    \b
    Examples:
      retailpulse analyses
    """
    show_list(client.analyses(), COLUMNS, **options)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@contextmanager
def _shown() -> Iterator[Callable[[AnalysisPart], None]]:
    """A bar of the images that were looked through, on a terminal."""
    console = error_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("Looking for photos", total=None)

        def show(part: AnalysisPart) -> None:
            if part.in_reach is not None:
                bar.update(task, total=part.in_reach)
            bar.advance(task, part.looked_at)

        yield show
