"""What is asked about photos that were handed in before: pages of matches, and that of one photo."""

from uuid import UUID

from retailpulse.storage.matches import list as match_lists
from retailpulse.storage.matches.list import MatchFilter, MatchPlace, MatchRow
from retailpulse.storage.matches.of_photo import LaterPhoto, list_later
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database


class Matches:
    """Matches over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: MatchFilter, *, after: MatchPlace | None, limit: int
    ) -> tuple[list[MatchRow], MatchPlace | None]:
        """Matches, the newest first, with the place of the next page; None on the last."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await match_lists.read_matches(connection, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].place if len(found) > limit else None

    async def later(self, job_id: UUID, image_no: int, *, limit: int) -> list[LaterPhoto]:
        """The first later photos that are most like a photo."""
        async with self._database.connection(share=Share.READS) as connection:
            return await list_later(connection, (job_id, image_no), limit=limit)

    async def of_photo(self, job_id: UUID, image_no: int) -> MatchRow | None:
        """The match of one photo with an earlier one, or None."""
        wanted = MatchFilter(job_ids=(job_id,), image_nos=(image_no,))
        found, _ = await self.page(wanted, after=None, limit=1)
        return found[0] if found else None
