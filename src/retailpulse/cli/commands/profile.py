"""The command `profile`: looks into a running process, and writes a flame graph of it.

CPU time is looked at from here, in a process of this machine; memory by the service itself, which is asked.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.console import error_console
from retailpulse.cli.exports import file_errors
from retailpulse.cli.output import answer, json_option
from retailpulse.client import Client
from retailpulse.domain.profiles import MOST_SECONDS as MOST_ASKED_SECONDS

if TYPE_CHECKING:
    from retailpulse.process.local_processes import LocalProcess

MOST_SECONDS = 600
KINDS = {"cpu": (".svg", ".html", ".json"), "memory": (".html",)}
"""The endings of files, by what is written to them; the first one is that of a file without a name."""


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
    "--kind",
    type=click.Choice(list(KINDS)),
    default="cpu",
    show_default=True,
    help="Where CPU time goes, or what memory is allocated for.",
)
@click.option(
    "--output",
    "-o",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write. Of cpu: .svg or .html is a flame graph, .json is for speedscope. Of memory: "
    ".html.  [default: PROCESS.svg or PROCESS.html]",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
@with_client
def profile(
    client: Client, process: str, seconds: int, kind: str, file: Path | None, force: bool, as_json: bool
) -> None:
    """Look into a running process, and write a flame graph of its CPU time or memory.

    PROCESS is api, worker-1, worker-2 and so on. The service goes on, somewhat slower.

    CPU time is looked at on this machine, of a worker with its decoders, and of native code too. PROCESS may
    be the number of a process. It needs the extra `profile`, and the right to look into the process: be
    root, or its user.

    Memory is counted by the process itself: the service at RETAILPULSE_URL is asked, which needs the extra
    `profile`, and an API key with admin if it needs keys.

    \b
    Examples:
      retailpulse profile api
      retailpulse profile worker-1 --seconds 30 --output flame.html
      retailpulse profile 4711 --output api.json
      retailpulse profile worker-1 --kind memory
    """
    suffixes = KINDS[kind]
    file = file or Path(f"{process}{suffixes[0]}")
    if file.suffix not in suffixes:
        raise click.UsageError(f"--output: the file ends in {' or '.join(suffixes)}")
    if file.exists() and not force:
        raise click.UsageError(f"{file} exists; --force replaces it")
    pid = None if kind == "memory" else _find(process)
    looking_at = process if pid is None else f"process {pid}"
    with error_console().status(f"Looking into {looking_at} for {seconds} s"):
        content = _memory(client, process, seconds) if pid is None else _cpu(pid, seconds, file.suffix)
    with file_errors(file):
        file.write_bytes(content)
    what = "allocated" if pid is None else "did"
    sentence = f"Wrote {file}: what {looking_at} {what} in {seconds} s."
    answer(sentence, as_json=as_json, file=str(file), process=process, pid=pid, kind=kind, seconds=seconds)


def _cpu(pid: int, seconds: int, suffix: str) -> bytes:
    from retailpulse.process.profiler import record

    return asyncio.run(record(pid, seconds, suffix))


def _memory(client: Client, process: str, seconds: int) -> bytes:
    if seconds > MOST_ASKED_SECONDS:
        raise click.UsageError(f"--seconds: at most {MOST_ASKED_SECONDS} for memory")
    return client.profile(process, seconds=seconds, kind="memory")


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
