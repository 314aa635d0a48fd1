"""The command `profile`: looks into a running process of this machine, and writes a flame graph of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from retailpulse.cli.output import answer, json_option
from retailpulse.cli.terminal import error_console

if TYPE_CHECKING:
    from retailpulse.process.local_processes import LocalProcess

MOST_SECONDS = 600


@click.command()
@click.argument("process")
@click.option(
    "--seconds",
    type=click.IntRange(1, MOST_SECONDS),
    default=10,
    show_default=True,
    help="How long to look.",
)
@click.option(
    "--output",
    "-o",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .svg is a flame graph, .json is for speedscope.  [default: PROCESS.svg]",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
def profile(process: str, seconds: int, file: Path | None, force: bool, as_json: bool) -> None:
    """Look into a running process of this machine, and write a flame graph of its CPU time.

    PROCESS is api, worker-1, worker-2 and so on, or the number of a process. Of a worker its decoders are
    looked at too, and native code everywhere. The service goes on; it stops for moments. It needs the extra
    `profile`, and the right to look into the process: be root, or its user.

    \b
    Examples:
      retailpulse profile api
      retailpulse profile worker-1 --seconds 30 --output flame.svg
      retailpulse profile 4711 --output api.json
    """
    from retailpulse.process.profiler import FORMATS, record

    file = file or Path(f"{process}.svg")
    if file.suffix not in FORMATS:
        raise click.UsageError(f"--output: the file ends in {' or '.join(FORMATS)}")
    if file.exists() and not force:
        raise click.UsageError(f"{file} exists; --force replaces it")
    pid = _find(process)
    with error_console().status(f"Looking into process {pid} for {seconds} s"):
        content = record(pid, seconds, file.suffix)
    file.write_bytes(content)
    answer(
        f"Wrote {file}: what process {pid} did in {seconds} s.",
        as_json=as_json,
        file=str(file),
        pid=pid,
        seconds=seconds,
    )


def _find(name: str) -> int:
    """The number of a process by what it is called, if one process of this machine is called so."""
    from retailpulse.process.local_processes import local_processes

    if name.isascii() and name.isdigit():
        return int(name)
    there = local_processes()
    found = [one for one in there if one.name == name]
    if len(found) == 1:
        return found[0].pid
    if found:
        raise click.UsageError(f"{name} are several here; name one by its number: {_listed(found)}")
    if not there:
        raise click.UsageError("no process of the service is to be seen on this machine")
    raise click.UsageError(f"there is no {name} here; there is {_listed(there)}")


def _listed(found: "list[LocalProcess]") -> str:
    return ", ".join(f"{one.name} (process {one.pid})" for one in found)
