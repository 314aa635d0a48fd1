"""`python -m bench.pages`: what each page of the dashboard costs where there are millions of results."""

import asyncio
from pathlib import Path

import rich_click as click

from bench.cases import BenchFailed
from bench.pages.filled import Size
from bench.pages.server import filled_server
from bench.pages.spent import Spent, measure_pages


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--results", type=click.IntRange(10_000), default=10_000_000, show_default=True, help="In all.")
@click.option("--large", type=click.IntRange(2_000), default=1_000_000, show_default=True, help="Of one job.")
@click.option("--turns", type=click.IntRange(1, 100), default=5, show_default=True, help="For each page.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Keep the database in this folder, use it again."
)
@click.option("--only", metavar="WORD", default="", help="Pages with this word in their names.")
def main(results: int, large: int, turns: int, keep: Path | None, only: str) -> None:
    """Fill a database of its own with results, and print what each page costs the server.

    Milliseconds are from the request to the whole page, with the database on the same machine: the least and
    the median by the clock, and the mean of the CPU time of both. Buffers are blocks of 8 kB that the
    database touched.
    """
    size = Size(results=results, large=large)
    try:
        with filled_server(size, keep) as filled:
            click.echo(f"{results:,} results, {large:,} of one job")
            for spent in asyncio.run(measure_pages(filled, turns, only)):
                click.echo(_line(spent))
    except BenchFailed as error:
        raise click.ClickException(str(error)) from None


def _line(spent: Spent) -> str:
    times = f"{spent.least_ms:7.1f} least {spent.median_ms:7.1f} median {spent.cpu_ms:7.1f} CPU ms"
    return f"{spent.name:32} {times} {spent.buffers:8,} buffers  {spent.address}"


if __name__ == "__main__":
    main()
