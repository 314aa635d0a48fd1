"""Searches of the store master read few stores for one page, and find everything all the same."""

import asyncio

import pytest

from retailpulse.domain.stores import StoreRow
from retailpulse.service import Stores
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import search
from retailpulse.storage.stores.load import import_stores
from retailpulse.storage.stores.search import StoreFilter

MOST = 10


@pytest.fixture
async def stores(database: Database, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """A master of 100 stores in four areas, of which a statement reads ten."""
    monkeypatch.setattr(search, "MOST_READ", MOST)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM stores")
        await connection.execute(
            "INSERT INTO stores SELECT 'S' || lpad(n::text, 3, '0'), 'A' || n % 4,"
            " CASE WHEN n % 30 = 7 THEN 'Shop at the Harbour' ELSE 'Shop ' || n END"
            " FROM generate_series(0, 99) n"
        )
    return Stores(database)


async def found(stores: Stores, wanted: StoreFilter, limit: int) -> tuple[list[str], list[int]]:
    """The ids of all that is found, and how many each page had."""
    ids: list[str] = []
    sizes: list[int] = []
    after = None
    while True:
        page, after = await stores.search(wanted, after=after, limit=limit)
        ids += [store.store_id for store in page]
        sizes.append(len(page))
        assert len(page) <= limit
        if after is None:
            return ids, sizes


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11, 1000])
async def test_a_rare_text_is_found_over_pages_that_may_be_empty(stores: Stores, limit: int) -> None:
    ids, sizes = await found(stores, StoreFilter(text="harbour"), limit)
    assert ids == ["S007", "S037", "S067", "S097"]
    assert len(sizes) >= 100 / MOST
    assert 0 in sizes


@pytest.mark.parametrize("limit", [1, 3, 7, 10, 11, 1000])
@pytest.mark.parametrize("text", ["s", "s0", "shop", "op", "", "0"])
async def test_a_text_that_is_everywhere_is_found_once_in_every_store(
    stores: Stores, text: str, limit: int
) -> None:
    everything = [f"S{number:03}" for number in range(100)]
    ids, _ = await found(stores, StoreFilter(text=text), limit)
    wanted = [
        store_id
        for store_id in everything
        if text in store_id.lower()
        or text in ("shop harbour" if int(store_id[1:]) % 30 == 7 else f"shop {int(store_id[1:])}")
    ]
    assert sorted(ids) == wanted
    assert text not in {"s", ""} or ids == everything


@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_areas_are_read_alone(stores: Stores, limit: int) -> None:
    for areas in (("A3",), ("A1", "A3"), ("A0", "A1", "A2", "A3"), ("A9",)):
        ids, _ = await found(stores, StoreFilter(area_codes=areas), limit)
        assert ids == [f"S{number:03}" for number in range(100) if f"A{number % 4}" in areas]
        ids, _ = await found(stores, StoreFilter(area_codes=areas, text="harbour"), limit)
        assert ids == [f"S{number:03}" for number in (7, 37, 67, 97) if f"A{number % 4}" in areas]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cafe lum", ["C1"]),
        ("café", ["C1", "C2"]),
        ("CAFÉ É", []),
        ("epicerie", ["C1"]),
        ("épic", ["C1"]),
        ("йог", ["C3"]),
        ("東", ["C4"]),
        ("\u0301", []),
    ],
)
@pytest.mark.parametrize("is_imported", [False, True], ids=["of an earlier version", "imported"])
async def test_accents_and_case_make_no_difference(
    stores: Stores, database: Database, text: str, wanted: list[str], is_imported: bool
) -> None:
    named = {"C1": "Café Lumière & Épicerie", "C2": "Grand CAFÉ", "C3": "ЙОГУРТ", "C4": "東京の店舗"}
    async with database.connection() as connection:
        await connection.execute("DELETE FROM stores")
        for store_id, name in named.items():
            await connection.execute("INSERT INTO stores VALUES (%s, 'A', %s)", [store_id, name])
    if is_imported:
        rows = [
            StoreRow(line=line, area_code="A", store_name=name, store_id=store_id)
            for line, (store_id, name) in enumerate(named.items(), 2)
        ]
        done = await asyncio.to_thread(import_stores, database.url, rows, skips_bad=False, is_dry=False)
        assert (done.changed, done.unchanged) == (0, 4)
    assert await count_folded(database) == (4 if is_imported else 0)
    ids, _ = await found(stores, StoreFilter(text=text.lower()), 10)
    assert sorted(ids) == wanted


async def test_a_name_that_changes_is_found_by_its_new_letters(stores: Stores, database: Database) -> None:
    for name, wanted in (("Épicerie", ["N1"]), ("Bäckerei", []), ("Epicerie", ["N1"])):
        row = StoreRow(line=2, area_code="A", store_name=name, store_id="N1")
        await asyncio.to_thread(import_stores, database.url, [row], skips_bad=False, is_dry=False)
        assert (await found(stores, StoreFilter(text="picerie"), 10))[0] == wanted
    assert await count_folded(database) == 0


async def count_folded(database: Database) -> int:
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT count(folded) FROM stores")
        ((count,),) = await cursor.fetchall()
    return int(count)
