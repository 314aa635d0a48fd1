"""Files that people hand to pages, until they are sent or expire; expired ones go as others come."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from retailpulse.storage import locks
from retailpulse.storage.postgres.database import Connection

LEAST_COUNTED_BYTES = 64 * 1024
"""A smaller file counts as one of this size, so that there are never very many."""
_PRUNED_AT_ONCE = 100

_PRUNE = """
    DELETE FROM held_files WHERE file_id IN (
        SELECT file_id FROM held_files WHERE expires_at < now()
        ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_INSERT = """
    INSERT INTO held_files (file_id, kind, owner, file_name, size_bytes, expires_at)
    SELECT %(file_id)s, %(kind)s, %(owner)s, %(file_name)s, %(size)s, now() + %(lifetime)s
    WHERE %(size)s <= %(most)s - coalesce((
        SELECT sum(greatest(size_bytes, %(least)s)) FROM held_files WHERE expires_at > now()), 0)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldFile:
    """A file that is held; `outcome` is what became of it once it was sent, None before."""

    file_id: UUID
    kind: str
    owner: str
    file_name: str
    size_bytes: int
    outcome: str | None = None


async def insert_file(
    connection: Connection, file: HeldFile, *, lifetime: timedelta, most_bytes: int
) -> bool:
    """Makes room for a file, whose parts are to come; False if all files would be more than `most_bytes`."""
    await connection.execute(locks.TAKE, [locks.HELD_FILES])
    await connection.execute(_PRUNE, [_PRUNED_AT_ONCE])
    values = {
        "file_id": file.file_id,
        "kind": file.kind,
        "owner": file.owner,
        "file_name": file.file_name,
        "size": file.size_bytes,
        "lifetime": lifetime,
        "most": most_bytes,
        "least": LEAST_COUNTED_BYTES,
    }
    return (await connection.execute(_INSERT, values)).rowcount == 1


async def insert_part(connection: Connection, file_id: UUID, part_no: int, content: bytes) -> None:
    """Adds a part; parts count from 0."""
    await connection.execute(
        "INSERT INTO held_parts (file_id, part_no, content) VALUES (%s, %s, %s)", [file_id, part_no, content]
    )


async def finish_file(connection: Connection, file_id: UUID, file_name: str, size_bytes: int) -> None:
    """Says that a file is there as a whole."""
    await connection.execute(
        "UPDATE held_files SET is_whole = true, file_name = %s, size_bytes = %s WHERE file_id = %s",
        [file_name, size_bytes, file_id],
    )


async def find_file(connection: Connection, file_id: UUID) -> HeldFile | None:
    """A file that is there as a whole and has not expired."""
    cursor = await connection.execute(
        """
        SELECT file_id, kind, owner, file_name, size_bytes, outcome FROM held_files
        WHERE file_id = %s AND is_whole AND expires_at > now()
        """,
        [file_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    found, kind, owner, file_name, size_bytes, outcome = row
    return HeldFile(
        file_id=found, kind=kind, owner=owner, file_name=file_name, size_bytes=size_bytes, outcome=outcome
    )


async def read_part(connection: Connection, file_id: UUID, part_no: int) -> bytes | None:
    """A part of a file; None behind the last one."""
    cursor = await connection.execute(
        "SELECT content FROM held_parts WHERE file_id = %s AND part_no = %s", [file_id, part_no], binary=True
    )
    row = await cursor.fetchone()
    return None if row is None else bytes(row[0])


async def settle_file(connection: Connection, file_id: UUID, outcome: str) -> None:
    """Keeps what became of a file in its place; the first outcome stays."""
    await connection.execute(
        "UPDATE held_files SET outcome = %s, size_bytes = 0 WHERE file_id = %s AND outcome IS NULL",
        [outcome, file_id],
    )
    await connection.execute("DELETE FROM held_parts WHERE file_id = %s", [file_id])


async def delete_file(connection: Connection, file_id: UUID) -> None:
    """Deletes a file with its parts."""
    await connection.execute("DELETE FROM held_files WHERE file_id = %s", [file_id])
