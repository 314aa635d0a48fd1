"""What is asked of the store master and of visits to its stores: pages of lists."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from retailpulse.domain.errors import NotFound
from retailpulse.schema import Area, Store
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import coverage, visits
from retailpulse.storage.stores import search as store_lists
from retailpulse.storage.stores.coverage import AreaCoverage
from retailpulse.storage.stores.history import StoreVisit, VisitPlace, read_history
from retailpulse.storage.stores.search import Part, StoreCursor, StoreFilter
from retailpulse.storage.stores.visits import VisitCursor, VisitFilter, VisitRow

STORES_PER_PAGE = 1_000


class Stores:
    """The store master and its visits. Each page comes with the place of the next, None on the last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(
        self,
        wanted: StoreFilter,
        *,
        after: StoreCursor | None,
        limit: int,
        wait_seconds: float | None = None,
    ) -> tuple[list[Store], StoreCursor | None]:
        """Stores in the order of a search, or by their ids if no text is looked for.

        A page may have fewer than `limit`, or none, and yet a next one: how much of the master is read for
        one page is bounded.
        """
        place = after or _first_of(wanted.first_part)
        found: list[tuple[Store, StoreCursor]] = []
        async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
            while True:
                some, reached = await store_lists.read_stores(
                    connection, wanted, after=place, limit=limit + 1 - len(found)
                )
                found += some
                if reached is not None or place.part is Part.WITHIN:
                    break
                place = _first_of(Part(place.part + 1))
        if len(found) > limit:
            reached = found[limit - 1][1]
        return [store for store, _ in found[:limit]], reached

    async def all(self, wanted: StoreFilter) -> AsyncIterator[Store]:
        """All stores of a search; memory is bounded, and a slow reader holds no connection."""
        after, wait_seconds = None, None
        while True:
            page, after = await self.search(
                wanted, after=after, limit=STORES_PER_PAGE, wait_seconds=wait_seconds
            )
            for store in page:
                yield store
            if after is None:
                return
            wait_seconds = PAGE_WAIT_SECONDS

    async def find(self, store_id: str) -> Store:
        """The store with an id; raises NotFound."""
        async with self._database.connection() as connection:
            store = await store_lists.find_store(connection, store_id)
        if store is None:
            raise NotFound(f"there is no store {store_id[:100]} in the store master")
        return store

    async def areas(self, *, after: str | None, limit: int) -> tuple[list[Area], str | None]:
        """Areas by their code, and how many stores each has."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await store_lists.read_areas(connection, after=after or "", limit=limit + 1)
        return found[:limit], found[limit - 1].area_code if len(found) > limit else None

    async def coverage(
        self, weeks: Sequence[datetime], *, after: str, limit: int
    ) -> tuple[list[AreaCoverage], str | None]:
        """Areas by their code, with the stores that were visited in weeks that begin at these times."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await coverage.read_coverage(connection, weeks, after=after, limit=limit)
        return found, found[-1].area_code if found and found[-1].are_more else None

    async def coverage_of(self, weeks: Sequence[datetime], area_code: str) -> AreaCoverage | None:
        """The same of one area, None if it has no store."""
        async with self._database.connection(share=Share.READS) as connection:
            return await coverage.read_coverage_of(connection, weeks, area_code)

    async def history(
        self, store_id: str, *, start: datetime | None, after: VisitPlace | None, limit: int, photos: int
    ) -> tuple[list[StoreVisit], VisitPlace | None]:
        """Visits of a store, the newest first, each with its first photos."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await read_history(
                connection, store_id, start=start, after=after, limit=limit + 1, photos=photos
            )
        return found[:limit], found[limit - 1].place if len(found) > limit else None

    async def visits(
        self, wanted: VisitFilter, *, after: VisitCursor | None, limit: int
    ) -> tuple[list[VisitRow], VisitCursor | None]:
        """Visits of stores by their ids, of each store the oldest first."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await visits.read_visits(connection, wanted, after=after, limit=limit + 1)
        return found[:limit], found[limit - 1].place if len(found) > limit else None


def _first_of(part: Part) -> StoreCursor:
    return StoreCursor(part=part, key="", store_id="")
