"""What is asked of the flagged photos of all jobs: a page of them, or all, the newest first."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.schema import FlaggedPhoto
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import photos
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace

PHOTOS_PER_PAGE = 1_000
MOST_COUNTED = 1_000
"""How far the photos of a flag are counted."""
COUNTS_KEPT_SECONDS = 5.0


class Photos:
    """Flagged photos over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known_counts: TtlCache[None, dict[str, int]] = TtlCache(most=1)
        self._count_reads: SingleFlight[None, dict[str, int]] = SingleFlight()

    async def counts_of_day(self) -> dict[str, int]:
        """How many photos were flagged in the last day, by flag; `MOST_COUNTED` + 1 stands for more."""
        known = self._known_counts.get(None)
        return known if known is not None else await self._count_reads.do(None, self._count)

    async def _count(self) -> dict[str, int]:
        until = time.monotonic() + COUNTS_KEPT_SECONDS
        since = datetime.now(UTC) - timedelta(days=1)
        async with self._database.connection(share=Share.READS) as connection:
            found = await photos.count_since(connection, since, most=MOST_COUNTED)
        self._known_counts.put(None, found, until=until)
        return found

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
