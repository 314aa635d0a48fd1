"""The command `callbacks secret`: shows what receivers verify callbacks with, and replaces it.

It works on the database itself, because no request to the service gives out a secret.
"""

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import rich_click as click

from retailpulse.cli.commands.maintenance import database_url, end_on_sigterm
from retailpulse.cli.commands.server import data_dir_option, load_settings
from retailpulse.cli.output import json_option
from retailpulse.cli.terminal import echo, echo_json
from retailpulse.cli.times import read_age
from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.times import in_utc

if TYPE_CHECKING:
    from retailpulse.storage.webhooks.secrets import Secret

MOST_OVERLAP = timedelta(days=365)


@click.group()
def callbacks() -> None:
    """Manage the signed callbacks that tell receivers when a job has ended.

    \b
    Examples:
      retailpulse callbacks secret
      retailpulse callbacks secret --rotate
    """


@callbacks.command()
@click.option("--rotate", is_flag=True, help="Make a new secret first.")
@click.option(
    "--overlap",
    callback=read_age,
    metavar="AGE",
    default="24h",
    show_default=True,
    help="With --rotate: how long the old secrets sign too; 0s if one has leaked.",
)
@json_option
@data_dir_option
def secret(rotate: bool, overlap: timedelta, as_json: bool, data_dir: str | None) -> None:
    """Print the secret that signs callbacks, for receivers to verify them with.

    If several sign, the current one is printed first; a receiver needs one of them. If
    RETAILPULSE_CALLBACKS_SECRET is set, its secrets sign, and are changed there.

    \b
    Examples:
      retailpulse callbacks secret
      retailpulse callbacks secret --rotate --overlap 7d
      retailpulse callbacks secret --data-dir /var/lib/retailpulse --json
    """
    settings = load_settings(data_dir=data_dir).settings
    ours = settings.callbacks.secrets()
    if ours and rotate:
        raise click.UsageError("RETAILPULSE_CALLBACKS_SECRET names the secrets: put a new one there, first")
    if overlap > MOST_OVERLAP:
        raise click.UsageError("--overlap: a year is the most")
    end_on_sigterm()
    if ours:
        _print([{"secret": text, "made_at": None, "retires_at": None} for text in ours], as_json)
        return
    with database_url(settings) as url:
        found = asyncio.run(_secrets(url, settings.database, overlap if rotate else None))
    _print(
        [
            {
                "secret": one.text,
                "made_at": in_utc(one.made_at),
                "retires_at": in_utc(one.retires_at) if one.retires_at else None,
            }
            for one in found
        ],
        as_json,
    )


async def _secrets(url: str, settings: DatabaseSettings, overlap: timedelta | None) -> "list[Secret]":
    from retailpulse.domain.callbacks import new_secret
    from retailpulse.storage.postgres.database import Database
    from retailpulse.storage.webhooks import secrets

    async with Database(url, settings, pool_size=2) as database:
        await database.check_tables()
        async with database.transaction() as connection:
            if overlap is not None:
                await secrets.rotate(connection, new_secret(), overlap.total_seconds())
            return await secrets.signing(connection)


def _print(found: list[dict[str, str | None]], as_json: bool) -> None:
    if as_json:
        echo_json(json.dumps({"secrets": found}, indent=2))
        return
    for one in found:
        echo(str(one["secret"]))
        if one["retires_at"] is not None:
            until = datetime.fromisoformat(one["retires_at"]).strftime("%Y-%m-%d %H:%M:%S")
            echo(f"(the one above signs too until {until} UTC)", err=True)
