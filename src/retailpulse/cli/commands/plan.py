"""The command `plan`: what a load of images takes, and what limits it first."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.table import Table

from retailpulse.cli.console import output_console
from retailpulse.cli.exit_codes import Refusal
from retailpulse.cli.output import json_option
from retailpulse.cli.quantities import COUNT, SECONDS, SIZE
from retailpulse.cli.terminal import echo_json
from retailpulse.cli.views import titled_table
from retailpulse.config.settings import FetchSettings
from retailpulse.domain import capacity
from retailpulse.domain.capacity import Capacity, Costs, Limit, Load
from retailpulse.domain.images import Depth

_MOST_COSTS_BYTES = 100_000
_BYTES_PER_MEGAPIXEL = 205_000.0
"""Of a JPEG as phones write it."""


@click.command()
@click.option("--images-per-day", type=COUNT, required=True, help="How many images a day: 250k, 100M.")
@click.option("--size", "size_bytes", type=SIZE, default="2.5MB", show_default=True, help="Of one photo.")
@click.option(
    "--megapixels",
    type=click.FloatRange(min=0.01),
    help="Of one photo.  [default: what a JPEG of that size has]",
)
@click.option(
    "--depth",
    type=click.Choice([str(depth) for depth in Depth]),
    default=str(Depth.DECODE),
    show_default=True,
    help="Of the jobs.",
)
@click.option("--hosts", type=click.IntRange(min=1), default=1, show_default=True, help="Photo hosts.")
@click.option(
    "--latency",
    "latency_seconds",
    type=SECONDS,
    default="200ms",
    show_default=True,
    help="How long a photo host takes for one photo.",
)
@click.option(
    "--peak",
    type=click.FloatRange(min=1),
    default=3.0,
    show_default=True,
    help="How much busier the busiest hour is than the average one.",
)
@click.option(
    "--keep-days",
    type=click.FloatRange(min=1),
    default=365.0,
    show_default=True,
    help="How long jobs are kept.",
)
@click.option(
    "--picture-days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="How long thumbnails are kept.",
)
@click.option(
    "--costs",
    "costs_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What an image costs on your machine, as `make bench` writes it.  [default: on ours]",
)
@json_option
def plan(costs_file: Path | None, megapixels: float | None, as_json: bool, **load: Any) -> None:
    """Say what a load takes: workers, memory, bandwidth, the database; and what limits it first.

    All is for the busiest hour, at 70% of what was measured, on machines like the one that the costs are of.
    `make bench ARGS="--only capacity"` measures them on yours, and writes bench/out/costs.json.

    \b
    Examples:
      retailpulse plan --images-per-day 1M --size 2.5MB --hosts 20
      retailpulse plan --images-per-day 100M --depth header --hosts 500 --latency 80ms
      retailpulse plan --images-per-day 250k --costs bench/out/costs.json --json | jq .workers
    """
    costs = capacity.OURS if costs_file is None else _read(costs_file)
    depth = Depth(load.pop("depth"))
    of_size = load["size_bytes"] / _BYTES_PER_MEGAPIXEL
    found = capacity.plan(
        Load(**load, depth=depth, megapixels=megapixels or of_size, host_cap=FetchSettings().per_host), costs
    )
    if as_json:
        shares = {limit.name: round(limit.share, 4) for limit in found.limits}
        echo_json(
            msgspec.json.format(
                msgspec.json.encode({**msgspec.to_builtins(found), "shares": shares})
            ).decode()
        )
        return
    console = output_console()
    console.print(_facts(found), "", _limits(found.limits), "", f"By costs measured on {costs.measured_on}.")


def _read(file: Path) -> Costs:
    with file.open("rb") as opened:
        content = opened.read(_MOST_COSTS_BYTES)
    try:
        return msgspec.json.decode(content, type=Costs)
    except msgspec.DecodeError as error:
        raise Refusal(
            f'{file} holds no costs, as `make bench ARGS="--only capacity"` writes them: {error}'
        ) from error


def _facts(found: Capacity) -> Table:
    facts = Table.grid(padding=(0, 2))
    for row in _rows(found):
        facts.add_row(*row)
    return facts


def _rows(found: Capacity) -> Iterator[tuple[str, str]]:
    yield "images a second, at the peak", f"{found.images_per_second:,.1f}"
    yield "workers, each of a core", f"{found.workers:,}"
    yield "memory of the workers", _size(found.worker_memory_bytes)
    yield "APIs", f"{found.apis:,}"
    yield "bandwidth from the hosts", f"{found.bandwidth_bits / 1e6:,.0f} Mbit/s"
    yield "requests at once", f"{found.requests_at_once:,.1f}"
    yield "cores of the database", f"{found.database_cores:,.1f}"
    yield "connections to it", f"{found.connections:,}"
    yield "its size, once it is full", _size(found.database_bytes)
    yield "WAL", f"{found.wal_bytes_per_second / 1e6:,.1f} MB/s"
    yield "commits a second", f"{found.commits_per_second:,.0f}"
    yield "writes a second (IOPS)", f"{found.iops:,.0f}"


def _limits(limits: Sequence[Limit]) -> Table:
    table = titled_table(
        "What limits it, the first one first", "", "NEEDED", "BEARS", "USED", "WHAT LIFTS IT"
    )
    for limit in limits:
        table.add_row(
            limit.name, f"{limit.needed:,.1f}", f"{limit.bears:,.0f}", f"{limit.share:.0%}", limit.lifted_by
        )
    return table


def _size(size_bytes: float) -> str:
    """12.3 GB."""
    for unit, of in (("TB", 1e12), ("GB", 1e9)):
        if size_bytes >= of:
            return f"{size_bytes / of:,.1f} {unit}"
    return f"{size_bytes / 1e6:,.0f} MB"
