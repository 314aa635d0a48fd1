"""What a page spends: seconds of this process and its database together, and buffers of the database.

One connection does all that the pages ask, so that what its session counts is what they touch.
"""

import statistics
import time
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from bench import accounting
from bench.pages.asked import PAGES, pages_over
from bench.pages.server import FilledServer
from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Connection, Database

_SETTINGS = DatabaseSettings(wait_seconds=30)
"""A machine that is busy with filling answers late: then no page says that the database is away."""
_READ = """
    SELECT coalesce(sum(hits), 0) + coalesce(sum(reads), 0)
    FROM pg_stat_get_backend_io(pg_backend_pid()) WHERE object <> 'wal'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """A page: its times by the clock, the mean CPU time of both processes, the buffers of the last time."""

    name: str
    address: str
    least_ms: float
    median_ms: float
    cpu_ms: float
    buffers: int


async def measure_pages(filled: FilledServer, turns: int, only: str = "") -> list[Spent]:
    """Asks each page once for what is read only then, and then as many times; raises for an error page.

    Each time is a new application, which has kept no answer. `only` is a part of the names of pages.
    """
    async with Database(filled.url, _SETTINGS, pool_size=1, is_shared=True) as database:
        return [await _page(database, filled.pid, name, turns) for name in PAGES if only in name]


async def buffers_of_pages(url: str, names: Collection[str] = PAGES) -> dict[str, list[int]]:
    """The buffers that each of these pages touches, twice, once all were asked for before."""
    async with Database(url, _SETTINGS, pool_size=1, is_shared=True) as database:
        found: dict[str, list[int]] = {name: [] for name in names}
        for turn in range(3):
            async with pages_over(database) as client:
                for name, touched in found.items():
                    before = await _touched(database)
                    await _ask(client, PAGES[name])
                    if turn:
                        touched.append(await _touched(database) - before)
        return found


async def _page(database: Database, server_pid: int, name: str, turns: int) -> Spent:
    address = PAGES[name]
    seconds, cpu_seconds, buffers = [], 0.0, 0
    for turn in range(turns + 1):
        async with pages_over(database) as client:
            before = await _touched(database)
            cpu_before, begin = _cpu_seconds(server_pid), time.perf_counter()
            await _ask(client, address)
            if turn:
                seconds.append(time.perf_counter() - begin)
                cpu_seconds += _cpu_seconds(server_pid) - cpu_before
            buffers = await _touched(database) - before
    return Spent(
        name=name,
        address=address,
        least_ms=1_000 * min(seconds),
        median_ms=1_000 * statistics.median(seconds),
        cpu_ms=1_000 * cpu_seconds / turns,
        buffers=buffers,
    )


def _cpu_seconds(server_pid: int) -> float:
    """CPU time of this process, and of the database with all that works for it, in ticks of 10 ms."""
    of_server = accounting.cpu_seconds({"postgres": accounting.with_descendants(server_pid)})
    return time.process_time() + of_server["postgres"]


async def _ask(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.get(address)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{address}: {answer.status_code} {answer.text[:2_000]}")


async def _touched(database: Database) -> int:
    async with database.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()", prepare=False)
        return await _read(connection)


async def _read(connection: Connection) -> int:
    cursor = await connection.execute(_READ, prepare=False)
    ((count,),) = await cursor.fetchall()
    return int(count)
