"""The command `check`: reads the whole database for what contradicts itself, and mends that if told to.

What must hold is said in `storage.integrity.invariants`; this only runs the check and prints what it found.
"""

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import rich_click as click

from retailpulse.cli.commands.maintenance import database_url, end_on_sigterm
from retailpulse.cli.commands.server import data_dir_option, load_settings
from retailpulse.cli.console import error_console
from retailpulse.cli.output import json_option
from retailpulse.cli.terminal import echo, echo_json
from retailpulse.config.settings import DatabaseSettings, Settings

if TYPE_CHECKING:
    from retailpulse.storage.integrity.check import Finding, IntegrityReport, Reached, StaleThresholds

Say = Callable[[str], None]


class _Voice(NamedTuple):
    """`say` a sentence on standard error; `show` what goes on, on a terminal."""

    say: Say
    show: Say


_QUIET_SECONDS = 2.0
_REPAIR_SECONDS = 3600.0
"""How long a repair may take: it reads all rows once more, and those of broken jobs twice."""


@click.command()
@data_dir_option
@click.option("--repair", is_flag=True, help="Repair counters, ends of jobs and what waits.")
@click.option(
    "--from",
    "first",
    type=click.UUID,
    metavar="JOB_ID",
    help="Go on with this job, as an earlier check said.",
)
@json_option
def check(data_dir: str | None, repair: bool, first: UUID | None, as_json: bool) -> None:
    """Check that the database is consistent: images, results, counters, states, and what waits.

    The service may run meanwhile. Each kind of error is one line, with up to three examples.
    It reads the jobs in parts of a million images. One that is broken off tells what it found,
    and with which --from to go on.
    --repair mends what follows from the rows alone; it never invents or deletes a result.

    \b
    Exit codes:
      0  the database is consistent, with --repair at least now
      1  errors were found, or the database cannot be read
      2  the command line or a setting cannot be used

    \b
    Examples:
      retailpulse check
      retailpulse check --repair --data-dir /var/lib/retailpulse
      RETAILPULSE_DATABASE_URL=postgresql://db.example/retailpulse retailpulse check --json
    """
    from retailpulse.process.logging import set_up_logging

    if repair and first is not None:
        raise click.UsageError("--repair goes by the whole database: leave out --from")
    settings = load_settings(data_dir=data_dir).settings
    set_up_logging(settings.log, "check")
    end_on_sigterm()
    with _sign_of_life() as tell, database_url(settings) as url:
        report, mended = _check(url, settings, repair, first, tell)
    if as_json:
        echo_json(json.dumps(_as_json(report, mended), indent=2))
    else:
        for line in _lines(report, mended, first):
            echo(line)
    if report.findings:
        sys.exit(1)


@contextlib.contextmanager
def _sign_of_life() -> Iterator[_Voice]:
    """Shows a spinner on a terminal once it takes long."""
    console = error_console()
    status = console.status("Reading every row")
    starting = threading.Timer(_QUIET_SECONDS, status.start)
    starting.daemon = True
    if console.is_terminal:
        starting.start()
    try:
        yield _Voice(say=lambda text: console.print(text, markup=False, soft_wrap=True), show=status.update)
    finally:
        starting.cancel()
        if starting.ident is not None:
            starting.join()  # it may just be showing the spinner
        status.stop()


def _check(
    url: str, settings: Settings, repair: bool, first: UUID | None, tell: _Voice
) -> tuple["IntegrityReport", list[str]]:
    """What is off, after the repair if one is wanted, and what that mended."""
    from retailpulse.storage.integrity.check import StaleThresholds, check_invariants

    thresholds = StaleThresholds(
        sweep_seconds=settings.worker.sweep_seconds,
        stale_seconds=settings.worker.stale_seconds,
    )
    asyncio.run(_check_tables(url, settings.database))
    with _broken_off(tell) as on_part:
        report = check_invariants(url, thresholds, before_second_look=tell.say, first=first, on_part=on_part)
    if not (repair and report.findings):
        return report, []
    mended = asyncio.run(_repair(url, settings.database, report, thresholds))
    return check_invariants(url, thresholds, before_second_look=tell.say), mended


@contextlib.contextmanager
def _broken_off(tell: _Voice) -> Iterator[Callable[["Reached"], None]]:
    """Gives what shows the part in work; if the check ends early, tells what it found and how to go on."""
    at: Reached | None = None

    def show(reached: "Reached") -> None:
        nonlocal at
        at = reached
        tell.show(f"Reading every row: part {reached.done + 1:,} of {reached.parts:,}")

    try:
        yield show
    except BaseException:
        if at is not None and at.next_job_id is not None:
            for finding in at.findings:
                tell.say(_line(finding))
            tell.say(
                f"Broken off after {at.done:,} of {at.parts:,} parts. "
                f"To go on: retailpulse check --from {at.next_job_id}"
            )
        raise


async def _check_tables(url: str, settings: DatabaseSettings) -> None:
    from retailpulse.storage.postgres.database import Database

    async with Database(url, settings, pool_size=1) as database:
        await database.check_tables()


async def _repair(
    url: str, settings: DatabaseSettings, report: "IntegrityReport", thresholds: "StaleThresholds"
) -> list[str]:
    from retailpulse.fetch import origin_key
    from retailpulse.storage.integrity.repair import repair
    from retailpulse.storage.postgres.database import Database

    async with (
        Database(url, settings, pool_size=2) as database,
        database.transaction(timeout_seconds=_REPAIR_SECONDS) as connection,
    ):
        return await repair(connection, report, thresholds, origin_key)


def _lines(report: "IntegrityReport", mended: list[str], first: UUID | None) -> Iterator[str]:
    yield from (f"Mended: {what}." for what in mended)
    yield from (_line(finding) for finding in report.findings)
    if not report.findings:
        agrees = "Everything agrees" if first is None else f"Each job from {first} on agrees in itself"
        yield f"{agrees}: {report.jobs:,} jobs, {report.images:,} images, {report.results:,} results."


def _line(finding: "Finding") -> str:
    examples = "; ".join(
        f"job {example.job_id}: {example.detail}" if example.job_id else example.detail
        for example in finding.examples
    )
    return f"{finding.broken[0].upper()}{finding.broken[1:]}: {finding.count:,}, e.g. {examples}"


def _as_json(report: "IntegrityReport", mended: list[str]) -> dict[str, object]:
    return {
        "agrees": not report.findings,
        "jobs": report.jobs,
        "images": report.images,
        "results": report.results,
        "findings": [
            {
                "kind": finding.name,
                "meaning": finding.broken,
                "count": finding.count,
                "examples": [
                    {"job_id": example.job_id, "detail": example.detail} for example in finding.examples
                ],
            }
            for finding in report.findings
        ],
        "mended": mended,
    }
