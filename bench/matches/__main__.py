"""`python -m bench.matches`: lookups, inserts and sizes for so many hashes, and what the settle pays."""

import asyncio
from pathlib import Path

import psycopg
import rich_click as click

from bench.matches.filled import PARTS, fill, server, sizes
from bench.matches.hashes import HashSource, grids
from bench.matches.lookups import Spent, connected, inserts, lookups, new_photos, recall, shared
from bench.matches.settles import settles


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--photos",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of photos whose hashes those of the bench are distributed as, in place of drawn ones.",
)
@click.option("--rows", type=int, default=1_000_000, show_default=True, help="Hashes that are known.")
@click.option("--count", type=int, default=300, show_default=True, help="Photos that are looked for.")
@click.option("--turns", type=int, default=15, show_default=True, help="Batches that are settled each way.")
@click.option("--part", type=click.Choice(["lookups", "settles", "both"]), default="both", show_default=True)
def main(folder: Path | None, rows: int, count: int, turns: int, part: str) -> None:
    """Fill a database of its own with hashes as photos have them, and print what searches in it cost.

    \b
    Examples:
      python -m bench.matches
      python -m bench.matches --photos ~/audit-photos --rows 10000000 --part lookups
    """
    source = HashSource(grids(folder, 1_000 if folder else 400), seed=7)
    with server() as url:
        if part != "settles":
            with psycopg.connect(url, autocommit=True) as connection:
                fill(connection, source, rows)
                for name, size in sizes(connection).items():
                    print(f"{rows:,} hashes of {rows // PARTS:,} photos: {size / 1e6:,.0f} MB of {name}")
            asyncio.run(_lookups(url, source, count))
        if part != "lookups":
            asyncio.run(_settles(url, source, turns))


async def _lookups(url: str, source: HashSource, count: int) -> None:
    async with await connected(url) as connection:
        _show("a photo that is new", await lookups(connection, new_photos(source, count)))
        _show("a picture that 100,000 share", await shared(connection, source, 100_000))
        for flips in (10, 30, 44, 60):
            share = await recall(connection, count, flips)
            print(f"found, of copies with {flips} bits changed: {share:.3f}")
        cpu, clock = await inserts(connection, source, 200, 10)
        print(f"to insert a hash: {cpu:.4f} ms of CPU of the server, {clock:.4f} ms by the clock")


async def _settles(url: str, source: HashSource, turns: int) -> None:
    async with await connected(url) as connection:
        spent = await settles(connection, source, turns)
        for name, (cpu, clock) in spent.items():
            print(f"to settle 2,000 results {name} it: {cpu:.1f} ms of CPU, {clock:.1f} ms by the clock")


def _show(what: str, spent: Spent) -> None:
    print(
        f"to look for {what}: {spent.server_ms:.2f} ms of CPU of the server, "
        f"{spent.client_ms:.2f} ms of ours, {spent.clock_ms:.2f} ms by the clock; {spent.found:.1f} found",
        flush=True,
    )


if __name__ == "__main__":
    main()
