"""The commands that look after what is kept: prune, backup, restore.

They work on the database itself, so they run on its machine; if the embedded one does not run, they run
it for themselves.
"""

import asyncio
import contextlib
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.status import Status
from rich.text import Text

from retailpulse.cli.commands.server import data_dir_option, load_settings
from retailpulse.cli.console import error_console
from retailpulse.cli.output import answer, json_option
from retailpulse.cli.times import read_age
from retailpulse.config.settings import DatabaseSettings, RetentionSettings, Settings
from retailpulse.domain.errors import DatabaseError

_QUIET_SECONDS = 2.0
_LINE_SECONDS = 10.0


@click.command()
@click.option(
    "--older-than",
    callback=read_age,
    metavar="AGE",
    help="Prune jobs that ended longer ago than this: 30d, 12h, 90m, 45s."
    "  [default: RETAILPULSE_RETENTION_JOBS_DAYS]",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@json_option
@data_dir_option
def prune(older_than: timedelta | None, dry_run: bool, as_json: bool, data_dir: str | None) -> None:
    """Delete jobs that ended long ago, with their visits, images and results, while the service runs.

    It does not ask first, and cannot be undone. Jobs that have not ended are never deleted.

    \b
    Examples:
      retailpulse prune --older-than 30d --dry-run
      retailpulse prune --older-than 12h --data-dir /var/lib/retailpulse
    """
    from retailpulse.process.logging import set_up_logging

    settings = load_settings(data_dir=data_dir).settings
    set_up_logging(settings.log, "prune")
    age = older_than if older_than is not None else _set_age(settings.retention)
    end_on_sigterm()
    with database_url(settings) as url:
        sentence, facts = asyncio.run(_prune(url, settings, age, dry_run=dry_run))
    answer(sentence, as_json=as_json, **facts)


def _set_age(settings: RetentionSettings) -> timedelta:
    if not settings.jobs_days:
        raise click.UsageError(
            "RETAILPULSE_RETENTION_JOBS_DAYS is 0: jobs are kept for ever. "
            "Give the age with --older-than, e.g. --older-than 30d, or set it."
        )
    return timedelta(days=settings.jobs_days)


async def _prune(
    url: str, settings: Settings, age: timedelta, *, dry_run: bool
) -> tuple[str, dict[str, int]]:
    from retailpulse.storage.jobs import prune as pruning
    from retailpulse.storage.postgres.database import Database
    from retailpulse.worker.pruner import Pruner, Step, thumbnail_ages

    async with Database(url, settings.database, pool_size=2) as database:
        await database.check_tables()
        async with database.connection() as connection:
            old = await pruning.count_old(connection, age)
        if dry_run:
            sentence = f"{old.jobs:,} jobs with {old.images:,} images would go."
            return sentence, {"jobs": old.jobs, "images": old.images}
        keys_age = timedelta(hours=settings.retention.keys_hours)
        done = Step()
        with _bar() as bar:
            # An image has a row for itself and one for its result; visits are few.
            task = bar.add_task("Pruning", total=2 * old.images or None)
            pruner = Pruner(
                database,
                jobs_age=age,
                keys_age=keys_age,
                wait=True,
                thumbnail_ages=thumbnail_ages(settings.retention),
            )
            async for step in pruner.steps():
                done += step
                bar.advance(task, step.rows)
    return (
        f"Pruned {done.jobs:,} jobs with {done.images:,} images: {done.rows:,} rows; "
        f"and {done.keys:,} old idempotency keys."
    ), {"jobs": done.jobs, "images": done.images, "rows": done.rows, "idempotency_keys": done.keys}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@json_option
@data_dir_option
def backup(file: Path, force: bool, as_json: bool, data_dir: str | None) -> None:
    """Write the whole embedded database, as it is now, to FILE, whether the service runs or not.

    FILE appears when it is complete, and only its owner may read it. It is a dump of pg_dump in its custom
    format.

    \b
    Examples:
      retailpulse backup /backups/retailpulse-2026-11-20.dump
      retailpulse backup --force latest.dump --data-dir /var/lib/retailpulse
    """
    from retailpulse.storage.postgres.backup import back_up
    from retailpulse.storage.postgres.embedded import EmbeddedServer

    settings = load_settings(data_dir=data_dir).settings.database
    _check_embedded(settings, "pg_dump --format=custom")
    end_on_sigterm()
    with _ProgressNotes("Backup") as notes:
        size_bytes = back_up(
            EmbeddedServer(Path(settings.data_dir)), file, force=force, on_progress=notes.update
        )
    answer(f"Wrote {file}: {size_bytes:,} bytes.", as_json=as_json, file=str(file), size_bytes=size_bytes)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Delete the database that is in the data directory.")
@json_option
@data_dir_option
def restore(file: Path, replace: bool, as_json: bool, data_dir: str | None) -> None:
    """Make the embedded database from the backup FILE, while nothing runs on its data directory.

    If it fails, the data directory stays as it was. Jobs that had not ended at the time of the backup go
    on with the next `retailpulse serve`. API keys are those of the backup: revoke again what was revoked
    since. Restore only your own files: a dump may contain any SQL statement.

    \b
    Examples:
      retailpulse restore /backups/retailpulse-2026-11-20.dump --data-dir /var/lib/retailpulse
      retailpulse restore latest.dump --replace
    """
    from retailpulse.storage.postgres.backup import restore as run

    settings = load_settings(data_dir=data_dir).settings.database
    _check_embedded(settings, "pg_restore")
    end_on_sigterm()
    with _ProgressNotes("Restore") as notes:
        version = run(Path(settings.data_dir), file, replace=replace, on_progress=notes.update)
    sentence = f"Restored {file}, of schema {version}, to {settings.data_dir}."
    answer(sentence, as_json=as_json, file=str(file), schema=version, data_dir=settings.data_dir)


def _check_embedded(settings: DatabaseSettings, program: str) -> None:
    if settings.url:
        raise DatabaseError(
            "RETAILPULSE_DATABASE_URL names a PostgreSQL of your own: this is for the embedded one alone. "
            f"Use `{program}` of that server."
        )


def database_url(settings: Settings) -> contextlib.AbstractContextManager[str]:
    """The URL of the given database, or of the embedded one, which runs only for this if none runs."""
    from retailpulse.storage.postgres.backup import running_server
    from retailpulse.storage.postgres.embedded import EmbeddedServer

    if settings.database.url:
        return contextlib.nullcontext(settings.database.direct_url or settings.database.url)
    return running_server(EmbeddedServer(Path(settings.database.data_dir)))


def end_on_sigterm() -> None:
    """Lets a SIGTERM end the command like Ctrl-C: nothing half made is left, and no server."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def _bar() -> Progress:
    console = error_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


class _ProgressNotes:
    """Says on standard error what goes on, once it takes longer than two seconds."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._console: Console = error_console()
        self._status: Status = self._console.status(what)
        self._next_at = time.monotonic() + _QUIET_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def update(self, text: str) -> None:
        """Say it, if it is time to."""
        if time.monotonic() < self._next_at:
            return
        if self._console.is_terminal:
            self._status.update(Text(f"{self._what}: {text}"))
            self._status.start()
        else:
            self._next_at = time.monotonic() + _LINE_SECONDS
            self._console.print(f"{self._what}: {text}", markup=False)
