"""What is asked of the flagged photos of all jobs: a page of them, or all, the newest first."""

from collections.abc import AsyncIterator

import msgspec

from retailpulse.schema import FlaggedPhoto
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import photos
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace

PHOTOS_PER_PAGE = 1_000


class Photos:
    """Flagged photos over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: PhotoFilter, *, after: PhotoPlace | None, limit: int
    ) -> tuple[list[bytes], PhotoPlace | None]:
        """Photos after a place, as JSON, and the place of the next page, None on the last."""
        async with self._database.connection(share=Share.READS) as connection:
            return await photos.read_photos(connection, wanted, after=after, limit=limit)

    async def all(self, wanted: PhotoFilter) -> AsyncIterator[FlaggedPhoto]:
        """All photos that are wanted; memory is bounded, and a slow reader holds no connection."""
        decoder = msgspec.json.Decoder(FlaggedPhoto)
        after, wait_seconds = None, None
        while True:
            async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
                page, after = await photos.read_photos(connection, wanted, after=after, limit=PHOTOS_PER_PAGE)
            for photo in page:
                yield decoder.decode(photo)
            if after is None:
                return
            wait_seconds = PAGE_WAIT_SECONDS
