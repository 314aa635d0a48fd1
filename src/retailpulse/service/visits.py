"""The visits of an area or a store, as the old endpoint asks for them: all of them, page by page."""

from collections.abc import AsyncIterator

from retailpulse.domain.errors import InvalidRequest
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import load as store_master
from retailpulse.storage.stores import visits
from retailpulse.storage.stores.visits import VisitFilter, VisitRow

VISITS_PER_PAGE = 1_000


class Visits:
    """Visits of stores of the master."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, wanted: VisitFilter) -> None:
        """Raises InvalidRequest if the area or the store that is asked for does not exist."""
        async with self._database.connection(share=Share.READS) as connection:
            for area in wanted.area_codes:
                if not await store_master.area_exists(connection, area):
                    raise InvalidRequest(f"area: there is no area {area[:100]!r} in the store master")
            for store in wanted.store_ids:
                if not await store_master.store_exists(connection, store):
                    raise InvalidRequest(f"storeid: there is no store {store[:100]!r} in the store master")

    async def read(self, wanted: VisitFilter) -> AsyncIterator[VisitRow]:
        """The visits that are asked for, by store, oldest first; memory is bounded."""
        after = None
        while True:
            wait_seconds = None if after is None else PAGE_WAIT_SECONDS
            async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
                page = await visits.read_visits(connection, wanted, after=after, limit=VISITS_PER_PAGE)
            for visit in page:
                yield visit
            if len(page) < VISITS_PER_PAGE:
                return
            after = page[-1].place
