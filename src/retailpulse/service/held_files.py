"""Files that people hand to pages: held between the look at one and the button that sends it.

A file lies in the database, which all processes of the service share. It is found by its random id, and by
the key that has handed it in alone. Weak: a crash of the database loses it, and it is to be chosen again.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from retailpulse.domain.errors import Busy, NotFound, RetailPulseError
from retailpulse.storage import held_files
from retailpulse.storage.held_files import HeldFile
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

LIFETIME = timedelta(hours=1)
"""How long a file is held, sent or not."""
MOST_NAME_CHARACTERS = 200


class FileKind(StrEnum):
    """What a file is to become."""

    VISITS = "visits"
    STORES = "stores"


class HeldFiles:
    """Files held in one database, up to `most_bytes` of all."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        self._database = database
        self._most_bytes = most_bytes

    async def reserve(self, kind: FileKind, owner: str, size_bytes: int) -> UUID:
        """Makes room for a file of at most this size; `owner` is the id of a key, empty without one.

        Raises Busy if there is no room now.
        """
        file = HeldFile(file_id=uuid4(), kind=kind, owner=owner, file_name="", size_bytes=size_bytes)
        async with self._database.transaction(share=Share.WRITES) as connection:
            has_room = await held_files.insert_file(
                connection, file, lifetime=LIFETIME, most_bytes=self._most_bytes
            )
        if not has_room:
            raise Busy(
                "the pages hold as many files as they may (RETAILPULSE_API_HELD_BYTES); send this one by the "
                "API or the command line, or try again later"
            )
        return file.file_id

    async def fill(self, file_id: UUID, blocks: AsyncIterator[bytes]) -> int:
        """Writes a file that was reserved, block by block, and gives its size; a part of one is deleted."""
        size_bytes, part_no = 0, 0
        try:
            async for block in blocks:
                async with self._database.connection(share=Share.WRITES) as connection:
                    await held_files.insert_part(connection, file_id, part_no, block)
                size_bytes += len(block)
                part_no += 1
        except BaseException:
            with contextlib.suppress(RetailPulseError):
                await self.drop(file_id)
            raise
        return size_bytes

    async def finish(self, file_id: UUID, file_name: str, size_bytes: int) -> None:
        """Says that a file is whole, and what its owner calls it."""
        name = file_name.replace("\0", "")[:MOST_NAME_CHARACTERS]
        async with self._database.connection(share=Share.WRITES) as connection:
            await held_files.finish_file(connection, file_id, name, size_bytes)

    async def drop(self, file_id: UUID) -> None:
        """Deletes a file."""
        async with self._database.connection(share=Share.WRITES) as connection:
            await held_files.delete_file(connection, file_id)

    async def find(self, file_id: UUID, kind: FileKind, owner: str) -> HeldFile:
        """A file; raises NotFound if it is not held any more, or was handed in by another."""
        async with self._database.connection() as connection:
            found = await held_files.find_file(connection, file_id)
        if found is None or found.kind != kind or found.owner != owner:
            hours = LIFETIME // timedelta(hours=1)
            raise NotFound(f"this file is not held any more, as files are for {hours} h: choose it again")
        return found

    async def blocks(self, file_id: UUID) -> AsyncIterator[bytes]:
        """The bytes of a file; no connection is held between two blocks."""
        part_no = 0
        while True:
            async with self._database.connection() as connection:
                content = await held_files.read_part(connection, file_id, part_no)
            if content is None:
                return
            yield content
            part_no += 1

    async def settle(self, file_id: UUID, outcome: str) -> None:
        """Keeps what became of a file in the place of its bytes."""
        async with self._database.transaction(share=Share.WRITES) as connection:
            await held_files.settle_file(connection, file_id, outcome)
