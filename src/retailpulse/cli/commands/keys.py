"""The commands about API keys: create, list, revoke, forget.

They work on the database itself, so that only the operator can use them; if the embedded
database does not run, they run it meanwhile.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import rich_click as click
from rich.table import Table
from rich.text import Text

from retailpulse.cli.commands.server import data_dir_option, load_settings
from retailpulse.cli.console import output_console
from retailpulse.cli.output import answer, json_option
from retailpulse.cli.terminal import echo, echo_json
from retailpulse.cli.times import read_age
from retailpulse.domain.api_keys import ApiKey, KeyState, Scope
from retailpulse.domain.times import in_utc

Done = TypeVar("Done")


def _read_scopes(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> frozenset[Scope]:
    if not values:
        raise click.UsageError(f"Missing option '--scope': {', '.join(Scope)}, or several of them.")
    names = {name.strip() for value in values for name in value.split(",")}
    for name in sorted(names - set(Scope)):
        raise click.BadParameter(f"{name!r} is not one of {', '.join(Scope)}")
    return frozenset(Scope(name) for name in names)


@click.group()
def keys() -> None:
    """Manage API keys: who may use the service, and for what.

    Once a key exists, every request needs one; until then a service on loopback is open.
    """


@keys.command()
@click.option("--name", required=True, help="The person or program that uses the key.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    callback=_read_scopes,
    metavar="SCOPES",
    help="What the key allows, comma-separated: submit (submit, cancel, retry jobs), read (all that only "
    "reads), review (decide on photos), admin (everything).  [required]",
)
@click.option(
    "--expires",
    callback=read_age,
    metavar="TIME",
    help="How long the key is valid: 90d, 12h, 45m.  [default: until it is revoked]",
)
@json_option
@data_dir_option
def create(
    name: str, scopes: frozenset[Scope], expires: timedelta | None, as_json: bool, data_dir: str | None
) -> None:
    """Make a key and print it. It is shown only now: the service stores a hash of it.

    The key stands alone on standard output, so that it can be piped.

    \b
    Examples:
      retailpulse keys create --name till-17 --scope submit,read --expires 90d
      retailpulse keys create --name operator --scope admin --data-dir /var/lib/retailpulse
      RETAILPULSE_API_KEY=$(retailpulse keys create --name me --scope read)
    """
    from retailpulse.service import ApiKeys

    def use(kept: ApiKeys) -> Awaitable[tuple[Any, ApiKey]]:
        return kept.create(name, scopes, expires)

    token, key = _run(data_dir, use)
    if as_json:
        echo_json(json.dumps({"key": token.text(), **_fields(key)}))
        return
    echo(token.text())
    until = f"until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "until it is revoked"
    echo(
        f"Key {key.key_id} allows {_scopes(key)} {until}. It is shown this once: keep it now. "
        "Send it as `Authorization: Bearer ...`.",
        err=True,
    )


@keys.command("list")
@json_option
@data_dir_option
def list_(as_json: bool, data_dir: str | None) -> None:
    """List all keys ever made, without their secrets. The time of last use is a few seconds late.

    \b
    Examples:
      retailpulse keys list
      retailpulse keys list --json --data-dir /var/lib/retailpulse
    """
    found = _run(data_dir, lambda kept: kept.all())
    if as_json:
        echo_json(json.dumps([_fields(key) for key in found], indent=2))
    elif found:
        output_console().print(_table(found))
    else:
        echo("No key was made yet.", err=True)


@keys.command()
@click.argument("key_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@data_dir_option
def revoke(key_ids: tuple[str, ...], as_json: bool, data_dir: str | None) -> None:
    """Revoke keys for ever, by the ids that `list` shows. It takes effect everywhere within about a second.

    A service whose keys are all revoked stays closed.

    \b
    Examples:
      retailpulse keys revoke 3f9c2ab81d04
      retailpulse keys revoke 3f9c2ab81d04 77a1c0e5b2f9 --data-dir /var/lib/retailpulse
    """
    _run(data_dir, lambda kept: kept.revoke(key_ids))
    answer(f"Revoked {', '.join(key_ids)}.", as_json=as_json, revoked=list(key_ids))


@keys.command()
@click.confirmation_option(prompt="Forget every key, so that a service on loopback is open again?")
@json_option
@data_dir_option
def forget(as_json: bool, data_dir: str | None) -> None:
    """Forget every key, as if none had ever been made: a service on loopback is open again.

    \b
    Examples:
      retailpulse keys forget
      retailpulse keys forget --yes --data-dir /var/lib/retailpulse
    """
    count = _run(data_dir, lambda kept: kept.forget())
    answer(f"Forgot {count} {'key' if count == 1 else 'keys'}.", as_json=as_json, forgotten=count)


def _run(data_dir: str | None, use: Callable[[Any], Awaitable[Done]]) -> Done:
    from retailpulse.bootstrap.database import reach_database
    from retailpulse.process.logging import set_up_logging
    from retailpulse.service import ApiKeys

    settings = load_settings(data_dir=data_dir).settings
    set_up_logging(settings.log, "keys")

    async def run() -> Done:
        async with reach_database(settings.database) as database:
            return await use(ApiKeys(database))

    return asyncio.run(run())


def _fields(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "state": key.state,
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
    }


def _table(found: list[ApiKey]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("id", "name", "scopes", "state", "created", "expires", "last used"):
        table.add_column(column, overflow="fold")
    for key in found:
        style = "" if key.state is KeyState.VALID else "dim"
        times = (key.created_at, key.expires_at, key.last_used_at)
        shown = [f"{at:%Y-%m-%d %H:%M}" if at else "never" for at in times]
        table.add_row(key.key_id, Text(key.name), _scopes(key), key.state, *shown, style=style)
    return table


def _scopes(key: ApiKey) -> str:
    return ",".join(scope for scope in Scope if scope in key.scopes)


def _time(at: datetime | None) -> str | None:
    return in_utc(at) if at else None
