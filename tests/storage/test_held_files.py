"""Files that pages hold: found by who handed them in, bounded together, gone in time, cheap to look for."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from retailpulse.domain.errors import Busy, NotFound
from retailpulse.service import FileKind, HeldFiles
from retailpulse.storage import held_files as storage
from retailpulse.storage.postgres.database import Database
from tests.storage.scheduling.buffers import metered

MOST_BUFFERS = 20
ROOM = 1_000_000


async def blocks(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def held(files: HeldFiles, *contents: bytes, owner: str = "key") -> "storage.HeldFile":
    file_id = await files.reserve(FileKind.VISITS, owner, sum(map(len, contents)))
    size_bytes = await files.fill(file_id, blocks(*contents))
    await files.finish(file_id, "visits\x00.csv", size_bytes)
    return await files.find(file_id, FileKind.VISITS, owner)


async def content_of(files: HeldFiles, file: "storage.HeldFile") -> bytes:
    return b"".join([block async for block in files.blocks(file.file_id)])


async def test_a_file_is_held_for_who_handed_it_in(database: Database) -> None:
    files = HeldFiles(database, ROOM)
    file = await held(files, b"ab", b"\0\xff")
    assert (file.file_name, file.size_bytes, file.outcome) == ("visits.csv", 4, None)
    assert await content_of(files, file) == b"ab\0\xff"
    for kind, owner in ((FileKind.STORES, "key"), (FileKind.VISITS, "other"), (FileKind.VISITS, "")):
        with pytest.raises(NotFound, match="choose it again"):
            await files.find(file.file_id, kind, owner)
    with pytest.raises(NotFound):
        await files.find(uuid4(), FileKind.VISITS, "key")


async def test_a_file_that_breaks_off_leaves_nothing(database: Database) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 1_000
        raise ConnectionError

    files = HeldFiles(database, ROOM)
    file_id = await files.reserve(FileKind.VISITS, "key", 2_000)
    with pytest.raises(ConnectionError):
        await files.fill(file_id, breaking())
    async with database.connection() as connection:
        for table in ("held_files", "held_parts"):
            cursor = await connection.execute(f"SELECT FROM {table} WHERE file_id = %s", [file_id])
            assert await cursor.fetchone() is None


async def test_all_files_together_have_a_bound_and_the_expired_make_room(database: Database) -> None:
    files = HeldFiles(database, ROOM)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM held_files")
    file = await held(files, b"x" * 600_000)
    with pytest.raises(Busy, match="RETAILPULSE_API_HELD_BYTES"):
        await files.reserve(FileKind.VISITS, "key", 500_000)
    small = [await files.reserve(FileKind.VISITS, "key", 1) for _ in range(6)]  # each counts as 64 kB
    with pytest.raises(Busy):
        await files.reserve(FileKind.VISITS, "key", 65_536)
    async with database.connection() as connection:
        await connection.execute("UPDATE held_files SET expires_at = now() - interval '1 s'")
    with pytest.raises(NotFound):
        await files.find(file.file_id, FileKind.VISITS, "key")
    await files.reserve(FileKind.VISITS, "key", ROOM)
    async with database.connection() as connection:
        gone = [file.file_id, *small]
        cursor = await connection.execute("SELECT FROM held_files WHERE file_id = ANY(%s)", [gone])
        assert cursor.rowcount == 0
        await connection.execute("DELETE FROM held_files")


async def test_what_became_of_a_file_takes_the_place_of_its_bytes_once(database: Database) -> None:
    files = HeldFiles(database, 10 * ROOM)
    file = await held(files, b"x")
    await files.settle(file.file_id, "first")
    await files.settle(file.file_id, "second")
    found = await files.find(file.file_id, FileKind.VISITS, "key")
    assert (found.outcome, found.size_bytes) == ("first", 0)
    assert await content_of(files, file) == b""


async def test_a_part_is_found_by_its_number_alone(database: Database) -> None:
    files = HeldFiles(database, 1_000 * ROOM)
    file = await held(files, *[b"x"] * 500)
    async with metered(database) as (connection, meter):
        await storage.read_part(connection, file.file_id, 499)
        assert await meter.buffers(lambda: storage.read_part(connection, file.file_id, 498)) <= MOST_BUFFERS
