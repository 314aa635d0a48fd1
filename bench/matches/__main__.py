"""`python -m bench.matches`: what lookups and inserts cost among so many hashes, and their sizes."""

import asyncio
from pathlib import Path

import psycopg
import rich_click as click

from bench.matches.filled import PARTS, fill, server, sizes
from bench.matches.hashes import HashSource, grids
from bench.matches.lookups import Spent, connected, inserts, lookups, new_photos, recall, shared, sifted
from bench.matches.rounds import described, rounds


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--photos",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of photos whose hashes those of the bench are distributed as, in place of drawn ones.",
)
@click.option("--rows", type=int, default=1_000_000, show_default=True, help="Hashes that are known.")
@click.option("--count", type=int, default=300, show_default=True, help="Photos that are looked for.")
@click.option("--part", type=click.Choice(["lookups", "rounds", "both"]), default="both", show_default=True)
def main(folder: Path | None, rows: int, count: int, part: str) -> None:
    """Fill a database of its own with hashes as photos have them, and print what searches in it cost.

    \b
    Examples:
      python -m bench.matches
      python -m bench.matches --photos ~/audit-photos --rows 10000000
    """
    if part != "lookups":
        with server() as running:
            for kind, found in asyncio.run(rounds(running.url)).items():
                print(f"a round of 50 photos that are {kind}: {described(found)}", flush=True)
    if part == "rounds":
        return
    source = HashSource(grids(folder, 1_000 if folder else 400), seed=7)
    with server() as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            fill(connection, source, rows)
            for name, size in sizes(connection).items():
                print(
                    f"{rows:,} hashes of {rows // PARTS:,} photos: {size / 1e6:,.0f} MB of {name}", flush=True
                )
        running.begin_anew()
        asyncio.run(_lookups(running.url, source, count))
        for is_compressing in (True, False):
            running.begin_anew(is_compressing=is_compressing)
            print(f"to insert a hash, of 8,000 each after a checkpoint{', compressed' * is_compressing}:")
            asyncio.run(_inserts(running.url, source, rows + 100_000 * is_compressing))


async def _lookups(url: str, source: HashSource, count: int) -> None:
    async with await connected(url) as connection:
        _show("a photo that is new, among 50 at once", await sifted(connection, source, count // 50))
        _show("a photo alone", await lookups(connection, new_photos(source, count)))
        _show("a picture that 100,000 share", await shared(connection, source, 100_000))
        for flips in (10, 30, 44, 60):
            share = await recall(connection, count, flips)
            print(f"found, of copies with {flips} bits changed: {share:.3f}")


async def _inserts(url: str, source: HashSource, rows: int) -> None:
    async with await connected(url) as connection:
        async for spent in inserts(connection, source, rows, 4):
            print(
                f"  {spent.server_ms:.3f} ms of CPU of the server, {spent.client_ms:.3f} ms of ours, "
                f"{spent.clock_ms:.3f} ms by the clock, "
                f"{spent.whole_pages:.2f} whole pages, {spent.logged_bytes / 1e3:.1f} kB of log",
                flush=True,
            )


def _show(what: str, spent: Spent) -> None:
    print(
        f"to look for {what}: {spent.server_ms:.2f} ms of CPU of the server, "
        f"{spent.client_ms:.2f} ms of ours, {spent.clock_ms:.2f} ms by the clock; {spent.found:.1f} found",
        flush=True,
    )


if __name__ == "__main__":
    main()
