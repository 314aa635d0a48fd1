"""What reports cost over many visits: how long all of one takes, and its slowest statement.

Fills a database of its own with visits and results, without jobs being worked on. Everything is in memory by
then: what a disk would add is left out.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import date
from pathlib import Path

import psycopg
from tests.storage.reports.filled import Filled, fill

from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.reports.window_sums import ReportFilter, ReportKind
from retailpulse.storage.reports.windows import read_window

MONTH = ReportFilter(from_day=date(2026, 3, 1), to_day=date(2026, 3, 31))
FILTERS = {"all": ReportFilter(), "a month": MONTH, "an area": ReportFilter(area_codes=("A0007",))}


def main() -> None:
    """Prints a line for each report."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("--days", type=int, default=365, help="a visit to each of 2,000 stores on each day")
    filled = Filled(areas=50, stores_of_area=40, days=parser.parse_args().days)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "data")
        server.start()
        try:
            migrate(server.url_of_owner())
            fill(server.url_of_owner(), filled)
            for kind in ReportKind:
                for name, wanted in FILTERS.items():
                    print(
                        f"{kind:7} {name:8} {asyncio.run(_measured(server.url(), kind, wanted))}", flush=True
                    )
        finally:
            server.stop()


async def _measured(url: str, kind: ReportKind, wanted: ReportFilter) -> str:
    begin, longest, seen, after = time.monotonic(), 0.0, 0, None
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True, options="-c timezone=UTC"
    ) as connection:
        while True:
            statement_begin = time.monotonic()
            window = await read_window(connection, kind, wanted, after=after)
            longest = max(longest, time.monotonic() - statement_begin)
            seen += window.seen
            if window.reached is None:
                whole = time.monotonic() - begin
                return f"{seen:9,} visits in {whole:5.1f} s, the longest statement {longest * 1000:.0f} ms"
            after = window.reached


if __name__ == "__main__":
    main()
