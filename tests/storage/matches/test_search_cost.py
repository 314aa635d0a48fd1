"""What a search touches does not grow with what is known, nor with what many photos share.

Held by the buffers that it touches, not by time.
"""

import random
from uuid import UUID

import pytest
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import Part, build
from retailpulse.storage.matches import search as search_module
from retailpulse.storage.matches.known import copy_hashes
from retailpulse.storage.matches.search import MOST_OF_KEY, KnownPhoto, Searched, search
from retailpulse.storage.matches.sieve import MOST_OF_PHOTO, may_be_like_others
from retailpulse.storage.postgres.database import Connection, Database
from tests.storage.matches.handed_in import OF_FEW_BANDS, rows
from tests.storage.scheduling.buffers import analyse, metered

UNLIKE = 20_000
LEVELS = 4
"""Pages from the root of an index to a row, and one for its table."""
VALUES = 25 * fingerprints.BANDS
"""What one hash is looked for by: each key, and each with one bit changed."""


def fingerprint(bits: int) -> bytes:
    return build([(Part.KEPT | Part.ASKED, bits.to_bytes(32))])


async def add(connection: Connection, first: int, hashes: list[int]) -> None:
    """Makes hashes known, without the photos that they are of."""
    await copy_hashes(
        connection, [(first + n, first + n, fingerprint(bits)) for n, bits in enumerate(hashes)]
    )


def photo(bits: int) -> KnownPhoto:
    return KnownPhoto(
        photo_id=-1, place=2**60, visit_key=0, job_id=UUID(int=1), image_no=1, visit_no=1, store_id="A",
        sha256=None, fingerprint=fingerprint(bits),
    )  # fmt: skip


@pytest.mark.parametrize("is_analysed", [False, True], ids=["fresh", "analysed"])
async def test_a_search_touches_a_few_pages_for_each_key(database: Database, is_analysed: bool) -> None:
    dice = random.Random(5)
    shared = dice.getrandbits(256)
    async with metered(database) as (connection, meter):
        await add(connection, 0, [dice.getrandbits(256) for _ in range(UNLIKE)])
        if is_analysed:
            analyse(database)
        wanted = Searched(window_days=36_000)
        for _ in range(3):  # until it is planned
            await search(connection, photo(dice.getrandbits(256)), wanted)
        pages = await meter.buffers(lambda: search(connection, photo(dice.getrandbits(256)), wanted))
        assert pages < VALUES * LEVELS
        spent = []
        for first in (UNLIKE, 2 * UNLIKE):
            await add(connection, first, [shared] * 10 * MOST_OF_KEY)
            spent.append(await meter.buffers(lambda: search(connection, photo(shared), wanted)))
        assert spent[1] < spent[0] + VALUES
        assert spent[1] < VALUES * LEVELS + 2 * MOST_OF_KEY * fingerprints.BANDS


async def test_a_sieve_touches_as_few_pages_as_the_searches_that_it_spares(database: Database) -> None:
    dice = random.Random(6)
    shared = dice.getrandbits(256)
    wanted = Searched(window_days=36_000)
    async with metered(database) as (connection, meter):
        await add(connection, 0, [dice.getrandbits(256) for _ in range(UNLIKE)])

        async def sift(hashes: list[int]) -> None:
            await may_be_like_others(connection, [photo(bits) for bits in hashes], wanted)

        unlike = [dice.getrandbits(256) for _ in range(20)]
        for _ in range(3):  # until it is planned
            await sift(unlike)
        assert await meter.buffers(lambda: sift(unlike)) < 20 * VALUES * LEVELS
        spent = []
        for first in (UNLIKE, 2 * UNLIKE):
            await add(connection, first, [shared] * 10 * MOST_OF_KEY)
            spent.append(await meter.buffers(lambda: sift([shared])))
        assert spent[1] < spent[0] + VALUES
        assert spent[1] < VALUES * LEVELS + 2 * MOST_OF_KEY * fingerprints.BANDS


async def test_where_very_many_unlike_photos_share_keys_all_are_looked_for(database: Database) -> None:
    bits = random.Random(8).getrandbits(256)
    unlike = bits ^ sum(1 << place for place in range(256) if place not in OF_FEW_BANDS)
    wanted = Searched(window_days=36_000)
    async with database.transaction() as connection:
        await add(connection, 0, [unlike] * (MOST_OF_PHOTO // 3))  # in three bands
        assert await may_be_like_others(connection, [photo(bits)], wanted) == set()
        await add(connection, MOST_OF_PHOTO, [unlike])
        assert await may_be_like_others(connection, [photo(bits)], wanted) == {-1}


async def test_a_table_of_hashes_has_as_many_keys_as_a_hash(database: Database) -> None:
    names = rows(
        database,
        "SELECT FROM pg_attribute WHERE attrelid = 'fingerprints'::regclass AND attname ~ '^k[0-9]+$'",
    )
    assert len(names) == fingerprints.BANDS


def test_the_driver_keeps_the_statements_of_a_search_as_it_has_read_them() -> None:
    for statement in (search_module._ALIKE_TEXT, search_module._SAME_FILE_TEXT):
        assert len(statement) <= MAX_CACHED_STATEMENT_LENGTH
