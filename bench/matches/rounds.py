"""What the one writer of matches holds back: how long each round keeps the lock that all workers wait for."""

import time
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from unittest.mock import patch

import msgspec

from bench.matches.filled import cpu_seconds
from bench.settle.batches import Sources, batch
from retailpulse.config.settings import DatabaseSettings, MatchSettings
from retailpulse.storage.matches import match as matching
from retailpulse.storage.matches.write import lock_matches
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.results.settle import settle
from retailpulse.worker.matcher import SEARCHED_AT_ONCE, Matcher

KINDS = ("new", "copies")
_PHOTOS = 12 * SEARCHED_AT_ONCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Milliseconds of a round: the whole by the clock, and how long it held the lock; 0: it took none.

    `server_held` is the CPU time of the server in that.
    """

    whole: float
    held: float
    server_held: float


async def rounds(url: str) -> dict[str, list[Round]]:
    """Rounds in which all photos are new, and in which all are copies of those of another store."""
    sources, found = Sources(seed=11), defaultdict(list)
    async with Database(url, DatabaseSettings()) as database:
        photos = sources.photos("fingerprint", _PHOTOS)
        for kind, store in zip(KINDS, ("S1", "S2"), strict=True):
            async with database.connection() as connection:
                results = await batch(connection, photos, store=store)
                async with connection.transaction():
                    await settle(connection, results)
            matcher = Matcher(database, MatchSettings())
            while await matcher.make_known():
                pass
            while (seen := await _round(matcher)) is not None:
                found[kind].append(seen)
            photos = [msgspec.structs.replace(one, sha256=sources.sha256()) for one in photos]
    return found


async def _round(matcher: Matcher) -> Round | None:
    """One round; None if nothing was left."""
    locked: list[tuple[float, float, int]] = []
    lock = lock_matches

    async def noted(connection: Connection) -> None:
        await lock(connection)
        pid = connection.info.backend_pid
        locked.append((time.monotonic(), cpu_seconds(pid), pid))

    begin = time.monotonic()
    with patch.object(matching, "lock_matches", noted):
        if not await matcher.search():
            return None
    end = time.monotonic()
    if not locked:
        return Round(whole=1e3 * (end - begin), held=0.0, server_held=0.0)
    at, cpu, pid = locked[0]
    return Round(whole=1e3 * (end - begin), held=1e3 * (end - at), server_held=1e3 * (cpu_seconds(pid) - cpu))


def described(found: list[Round]) -> str:
    """The medians of some rounds, and how many photos a second the lock lets through."""
    held = median(one.held for one in found)
    whole, server = median(one.whole for one in found), median(one.server_held for one in found)
    most = f"{1e3 * SEARCHED_AT_ONCE / held:,.0f} photos a second of all workers" if held else "no limit"
    return f"{whole:.1f} ms, the lock held for {held:.1f} ms ({server:.1f} ms of CPU of the server): {most}"
