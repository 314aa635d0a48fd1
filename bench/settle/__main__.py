"""`python -m bench.settle`: what writing results costs, with more and more of what is known of photos."""

import asyncio
from collections import defaultdict
from statistics import median

import rich_click as click

from bench.scratch_process import ScratchProcess
from bench.settle.batches import CASES, STORES, Sources, Spent, batch, write
from retailpulse.storage.postgres.connecting import open_session
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=int, default=1_000, show_default=True, help="Results of a batch.")
@click.option("--turns", type=int, default=15, show_default=True, help="Batches of each kind, in turns.")
@click.option(
    "--case", "cases", type=click.Choice(CASES), multiple=True, help="Only these kinds.  [default: all]"
)
def main(rows: int, turns: int, cases: tuple[str, ...]) -> None:
    """Write batches of results into a database of its own, and print what each kind costs (medians).

    \b
    Examples:
      python -m bench.settle
      python -m bench.settle --case EXIF --case fingerprint --turns 40
    """
    with ScratchProcess("settle") as scratch:
        running = EmbeddedServer(scratch.folder / "data")
        running.start()
        try:
            migrate(running.url_of_owner())
            pid = int((scratch.folder / "data/postgres/postmaster.pid").read_text().split()[0])
            spent = asyncio.run(_measured(running.url(), pid, rows, turns, cases or CASES))
        finally:
            running.stop()
    _show(spent, rows)


async def _measured(
    url: str, pid: int, rows: int, turns: int, cases: tuple[str, ...]
) -> dict[str, list[Spent]]:
    sources = Sources(seed=7)
    spent: dict[str, list[Spent]] = defaultdict(list)
    async with await open_session(url) as connection:
        for turn in range(turns + 1):
            for case in cases:
                results = await batch(connection, sources.photos(case, rows), stores=STORES)
                found = await write(connection, results, pid)
                if turn:  # the first of each kind warms up
                    spent[case].append(found)
    return spent


def _show(spent: dict[str, list[Spent]], rows: int) -> None:
    print(f"ms for {rows:,} results: CPU of PostgreSQL + CPU of the worker, and by the clock")
    print(f"{'with':20} {'the settle':>26}   {'pictures before it':>26}")
    for case, found in spent.items():
        settle = _columns([(one.server, one.worker, one.clock) for one in found])
        print(f"{case:20} {settle}   {_columns([one.pictures for one in found])}")


def _columns(found: list[tuple[float, float, float]]) -> str:
    server, worker, clock = (median(values) for values in zip(*found, strict=True))
    return f"{server:7.1f} + {worker:6.1f}, {clock:7.1f}"


if __name__ == "__main__":
    main()
