"""The pages of the dashboard as a part of the bench; filling takes long, so it must be named."""

import asyncio

from bench.case_runner import Bench
from bench.figures import Figure, at_most
from bench.pages.filled import Size
from bench.pages.server import filled_server
from bench.pages.spent import measure_pages

NAME = "pages"
SIZE = Size(results=10_000_000, large=1_000_000)
MOST_MS = 100.0


def measure(bench: Bench) -> list[Figure]:
    """Two figures for each page: its time, and the buffers that it touches."""
    bench.show(f"making {SIZE.results:,} results", 0)
    with filled_server(SIZE) as filled:
        bench.show("asking for pages", 0)
        figures = []
        for spent in asyncio.run(measure_pages(filled, bench.runs)):
            about = f"page {spent.address}"
            figures.append(
                Figure(case=NAME, about=about, runs=[spent.least_ms], unit="ms", target=at_most(MOST_MS))
            )
            figures.append(Figure(case=NAME, about=about, runs=[spent.buffers], unit="buffers"))
        return figures
