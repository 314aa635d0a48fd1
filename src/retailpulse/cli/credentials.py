"""The option that gives a job credentials: a file or an environment variable, as others see command lines."""

import os
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from retailpulse.config.credentials_file import parse_tables

VARIABLE = "RETAILPULSE_JOB_CREDENTIALS"


def _read(_context: click.Context, _option: click.Parameter, name: str | None) -> dict[str, Any] | None:
    try:
        content = os.environ.get(VARIABLE) if name is None else Path(name).read_text()
        return None if content is None else msgspec.to_builtins(parse_tables(content))
    except OSError as error:
        raise click.BadParameter(f"{name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise click.BadParameter(f"{VARIABLE if name is None else name}: {error}") from None


credentials_option = click.option(
    "--credentials",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    callback=_read,
    help="What private hosts are sent, in TOML or JSON.  [default: what RETAILPULSE_JOB_CREDENTIALS holds]",
)
