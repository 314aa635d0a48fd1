"""The sieve of a round leaves out photos that their own searches would find nothing for, and no others."""

from collections.abc import Sequence

from psycopg.rows import class_row

from retailpulse.storage.matches.known import make_known
from retailpulse.storage.matches.match import plan_by_index
from retailpulse.storage.matches.search import KnownPhoto, Searched, search
from retailpulse.storage.matches.sieve import may_be_like_others
from retailpulse.storage.postgres.database import Connection, Database
from tests.storage.matches.handed_in import drawn, hand_in

SHELF, FRIDGE = drawn(1), drawn(2)
WANTED = Searched(window_days=100)


async def all_known(connection: Connection) -> Sequence[KnownPhoto]:
    """Every photo that was handed in, the earliest first."""
    while await make_known(connection, 100):
        pass
    cursor = connection.cursor(row_factory=class_row(KnownPhoto))
    await cursor.execute("SELECT * FROM known_photos ORDER BY place")
    return await cursor.fetchall()


async def test_a_photo_is_left_out_if_and_only_if_its_search_finds_nothing(database: Database) -> None:
    await hand_in(database, ("A", SHELF), ("A", drawn(3)), ("A", FRIDGE.in_file(5)))
    await hand_in(database, ("B", SHELF.changed(30)), ("B", drawn(4)), ("C", drawn(5).in_file(5)), day=1)
    await hand_in(database, ("B", drawn(6)), ("B", drawn(6).changed(60)), ("B", FRIDGE.changed(61)), day=2)
    async with database.transaction() as connection:
        photos = await all_known(connection)
        await plan_by_index(connection)
        found = [bool((await search(connection, photo, WANTED)).photos) for photo in photos]
        alike = await may_be_like_others(connection, photos, WANTED)
    assert [photo.photo_id in alike for photo in photos] == found
    assert found == [True, False, True, True, False, True, True, True, False]


async def test_photos_beyond_the_window_are_not_looked_for(database: Database) -> None:
    await hand_in(database, ("A", SHELF))
    await hand_in(database, ("B", SHELF.changed(9)), day=20)
    async with database.transaction() as connection:
        photos = await all_known(connection)
        assert await may_be_like_others(connection, photos, Searched(window_days=19)) == set()
        both = {photo.photo_id for photo in photos}
        assert await may_be_like_others(connection, photos, Searched(window_days=21)) == both


async def test_a_round_without_fingerprints_or_bytes_is_empty(database: Database) -> None:
    async with database.transaction() as connection:
        assert await may_be_like_others(connection, [], WANTED) == set()
