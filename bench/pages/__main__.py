"""`python -m bench.pages`: what each page of the dashboard costs where there are millions of results."""

import asyncio
import time

import rich_click as click

from bench.pages.filled import Size, fill
from bench.pages.server import server
from bench.pages.spent import measure_pages


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--results", type=click.IntRange(10_000), default=10_000_000, show_default=True, help="In all.")
@click.option("--large", type=click.IntRange(2_000), default=1_000_000, show_default=True, help="Of one job.")
@click.option("--turns", type=click.IntRange(1, 100), default=5, show_default=True, help="For each page.")
def main(results: int, large: int, turns: int) -> None:
    """Fill a database of its own with results, and print what each page costs the server.

    Milliseconds are medians, from the request to the whole page, with the database on the same machine;
    buffers are blocks of 8 kB that the database touched.
    """
    with server() as url:
        begin = time.monotonic()
        fill(url, Size(results=results, large=large))
        click.echo(f"{results:,} results, {large:,} of one job, filled in {time.monotonic() - begin:,.0f} s")
        for spent in asyncio.run(measure_pages(url, turns)):
            figures = f"{spent.median_ms:8.1f} ms {spent.buffers:8,} buffers"
            click.echo(f"{spent.name:32} {figures}  {spent.address}")


if __name__ == "__main__":
    main()
