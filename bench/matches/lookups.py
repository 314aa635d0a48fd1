"""What a search costs its session of the database, and what it finds of copies; and what new photos cost."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from psycopg import sql

from bench.matches.filled import JOB, PARTS, cpu_seconds, fingerprint_of, place_of
from bench.matches.hashes import HashSource, copy_of, shares
from retailpulse.domain import fingerprints
from retailpulse.storage.matches.known import copy_hashes
from retailpulse.storage.matches.match import plan_by_index
from retailpulse.storage.matches.search import KnownPhoto, Searched, search
from retailpulse.storage.matches.sieve import may_be_like_others
from retailpulse.storage.postgres.connecting import Connection, open_session
from retailpulse.worker.matcher import SEARCHED_AT_ONCE

WANTED = Searched(window_days=36_000)
_AFTER = 2**62
"""The place of photos that are looked for: after all others."""
_PHOTOS_OF_PART, _PHOTOS_AT_ONCE = 2_000, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What one search costs on average, in milliseconds: CPU of the server, of ours, and by the clock."""

    server_ms: float
    client_ms: float
    clock_ms: float
    found: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Inserted:
    """What inserting a hash costs: CPU of the server and of ours, by the clock; and what is logged for it."""

    server_ms: float
    client_ms: float
    clock_ms: float
    whole_pages: float
    logged_bytes: float


async def lookups(connection: Connection, wanted: Sequence[bytes]) -> Spent:
    """Looks for photos with these fingerprints, none of which is known itself."""
    photos = [_photo(data) for data in wanted]
    pid = connection.info.backend_pid
    async with connection.transaction():
        await plan_by_index(connection)
        for photo in photos[:10]:
            await search(connection, photo, WANTED)
        server, client, clock = cpu_seconds(pid), time.process_time(), time.monotonic()
        found = [len((await search(connection, photo, WANTED)).photos) for photo in photos]
        spent = cpu_seconds(pid) - server, time.process_time() - client, time.monotonic() - clock
    each = [1e3 * seconds / len(photos) for seconds in spent]
    return Spent(server_ms=each[0], client_ms=each[1], clock_ms=each[2], found=sum(found) / len(found))


async def sifted(connection: Connection, source: HashSource, rounds: int) -> Spent:
    """Sifts rounds of new photos, as many as a worker has in one: what each photo costs."""
    pid = connection.info.backend_pid
    spent = []
    for _ in range(rounds + 1):
        photos = [
            _photo(data, -1 - number) for number, data in enumerate(new_photos(source, SEARCHED_AT_ONCE))
        ]
        async with connection.transaction():
            await plan_by_index(connection)
            server, client, clock = cpu_seconds(pid), time.process_time(), time.monotonic()
            found = len(await may_be_like_others(connection, photos, WANTED))
            times = cpu_seconds(pid) - server, time.process_time() - client, time.monotonic() - clock
        spent.append((*(1e3 * seconds for seconds in times), found))
    server_ms, client_ms, clock_ms, alike = (
        sum(values) / (rounds * SEARCHED_AT_ONCE)
        for values in zip(*spent[1:], strict=True)  # the first is planned
    )
    return Spent(server_ms=server_ms, client_ms=client_ms, clock_ms=clock_ms, found=alike)


def _photo(data: bytes, photo_id: int = -1) -> KnownPhoto:
    """A photo with this fingerprint that is not known itself."""
    return KnownPhoto(
        photo_id=photo_id, place=_AFTER, visit_key=-1, job_id=UUID(JOB), image_no=0, visit_no=0, store_id="X",
        sha256=None, fingerprint=data,
    )  # fmt: skip


async def connected(url: str) -> Connection:
    """A session as workers have them."""
    return await open_session(url)


def new_photos(source: HashSource, count: int) -> list[bytes]:
    """Fingerprints of photos that are like no other."""
    return [fingerprint_of(source.draw(PARTS)) for _ in range(count)]


async def recall(connection: Connection, count: int, flips: int) -> float:
    """The share of copies, with so many bits changed, that their search finds among all photos."""
    dice = np.random.default_rng(flips)
    found = []
    async with connection.transaction(force_rollback=True):
        await plan_by_index(connection)
        cursor = await connection.execute(
            "SELECT photo_id, hash::text FROM fingerprints WHERE photo_id = ANY(%s)",
            [[int(number) for number in dice.integers(0, 40_000, 3 * count)]],
        )
        wholes: dict[int, str] = dict(await cursor.fetchall())
        for photo_id, text in list(wholes.items())[:count]:
            bits = np.array([int(bit) for bit in text], dtype=np.uint8)
            changed = copy_of(bits, flips, dice)
            photo = _photo(fingerprint_of(changed[None]))
            result = await search(connection, photo, WANTED)
            found.append(any(one.photo_id == photo_id for one in result.photos))
    return shares(found)


async def inserts(
    connection: Connection, source: HashSource, rows: int, parts: int
) -> AsyncIterator[Inserted]:
    """What it costs to insert 8,000 hashes beside so many that there are, so many times one after another."""
    pid = connection.info.backend_pid
    known = rows // PARTS
    for part in range(parts):
        first = known + part * _PHOTOS_OF_PART
        # As photos come: later than all others.
        made = [
            (first + number, place_of(first + number), data)
            for number, data in enumerate(new_photos(source, _PHOTOS_OF_PART))
        ]
        before = await _logged(connection)
        server, client, clock = cpu_seconds(pid), time.process_time(), time.monotonic()
        for begin in range(0, len(made), _PHOTOS_AT_ONCE):
            async with connection.transaction():
                await copy_hashes(connection, made[begin : begin + _PHOTOS_AT_ONCE])
        spent = cpu_seconds(pid) - server, time.process_time() - client, time.monotonic() - clock
        pages, size = (after - first for after, first in zip(await _logged(connection), before, strict=True))
        hashes = len(made) * PARTS
        yield Inserted(
            server_ms=1e3 * spent[0] / hashes,
            client_ms=1e3 * spent[1] / hashes,
            clock_ms=1e3 * spent[2] / hashes,
            whole_pages=pages / hashes,
            logged_bytes=size / hashes,
        )


async def _logged(connection: Connection) -> tuple[int, int]:
    """The whole pages and the bytes that the server has written to its log."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    cursor = await connection.execute("SELECT wal_fpi, wal_bytes::bigint FROM pg_stat_wal")
    ((pages, size),) = await cursor.fetchall()
    return pages, size


async def shared(connection: Connection, source: HashSource, photos: int) -> Spent:
    """What a search costs for a picture that so many photos share, each encoded in its own way."""
    data = fingerprint_of(source.draw(PARTS))
    digest = fingerprints.parse(data)[0]
    keys = fingerprints.keys(digest)
    statement = sql.SQL("""
        WITH new AS (
            INSERT INTO known_photos (photo_id, place, visit_key, job_id, image_no, visit_no, store_id,
                fingerprint)
            OVERRIDING SYSTEM VALUE
            SELECT -1000 - n, %(first)s + n, -n, %(job)s, -n, -n, 'S', %(data)s
            FROM generate_series(1, %(photos)s) n
            RETURNING photo_id, place)
        INSERT INTO fingerprints (photo_id, place, hash, {names})
        SELECT photo_id, place, %(hash)s::bit(256), {keys} FROM new
    """).format(
        names=sql.SQL(", ").join(sql.Identifier(f"k{band}") for band in range(1, len(keys) + 1)),
        keys=sql.SQL(", ").join(map(sql.Literal, keys)),
    )
    given = {"first": 2**61, "job": JOB, "photos": photos, "data": data, "hash": f"x{digest.hex()}"}
    async with connection.transaction(force_rollback=True):
        await connection.execute(statement, given)
        return await lookups(connection, [data] * 100)
