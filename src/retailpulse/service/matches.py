"""What is asked about photos that were handed in before: pages of matches, all of them, that of one photo."""

from collections.abc import AsyncIterator
from uuid import UUID

from retailpulse.storage.matches import list as match_lists
from retailpulse.storage.matches.list import MatchFilter, MatchPlace, MatchRow
from retailpulse.storage.matches.of_photo import LaterPhoto, list_later
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database

MATCHES_PER_PAGE = 1_000


class Matches:
    """Matches over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: MatchFilter, *, after: MatchPlace | None, limit: int
    ) -> tuple[list[MatchRow], MatchPlace | None]:
        """Matches, the newest first, with the place of the next page; None on the last."""
        return await self._page(wanted, after, limit, wait_seconds=None)

    async def all(self, wanted: MatchFilter) -> AsyncIterator[MatchRow]:
        """All matches that are wanted; memory is bounded, and a slow reader holds no connection."""
        after, wait_seconds = None, None
        while True:
            page, after = await self._page(wanted, after, MATCHES_PER_PAGE, wait_seconds=wait_seconds)
            for row in page:
                yield row
            if after is None:
                return
            wait_seconds = PAGE_WAIT_SECONDS

    async def later(self, job_id: UUID, image_no: int, *, limit: int) -> list[LaterPhoto]:
        """The first later photos that are most like a photo."""
        async with self._database.connection(share=Share.READS) as connection:
            return await list_later(connection, (job_id, image_no), limit=limit)

    async def of_photo(self, job_id: UUID, image_no: int) -> MatchRow | None:
        """The match of one photo with an earlier one, or None."""
        wanted = MatchFilter(job_ids=(job_id,), image_nos=(image_no,))
        found, _ = await self.page(wanted, after=None, limit=1)
        return found[0] if found else None

    async def _page(
        self, wanted: MatchFilter, after: MatchPlace | None, limit: int, *, wait_seconds: float | None
    ) -> tuple[list[MatchRow], MatchPlace | None]:
        async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
            found = await match_lists.read_matches(connection, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].place if len(found) > limit else None
