"""What is asked about many jobs, or about the stores of one: pages of lists."""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.storage.jobs import list as job_lists
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.list import JobFilter, JobPlace, JobStoreRow
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.store_pages import StoreCounts, StorePlace, StoreTable, read_store_table
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database


class JobLists:
    """Lists about jobs over one database. Each page comes with the place of the next, None on the last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def jobs(
        self, wanted: JobFilter, *, after: JobPlace | None, limit: int
    ) -> tuple[Sequence[JobRow], JobPlace | None]:
        """Jobs, the newest first."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await job_lists.read_jobs(connection, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return page, (page[-1].submitted_at, page[-1].job_id) if len(found) > limit else None

    async def find(self, job_ids: Sequence[UUID]) -> list[JobRow]:
        """The jobs that exist among these, in this order."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await jobs.find_jobs(connection, job_ids)
        return [found[job_id] for job_id in job_ids if job_id in found]

    async def store_table(
        self, job_id: UUID, wanted: StoreTable, *, after: StorePlace | None, limit: int
    ) -> tuple[list[StoreCounts], StorePlace | None]:
        """The stores of a job by kept counts, sorted and searched as a table is."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await read_store_table(connection, job_id, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].place if len(found) > limit else None

    async def stores(
        self, job_id: UUID, store_ids: Sequence[str], *, after: int | None, limit: int
    ) -> tuple[list[JobStoreRow], int | None]:
        """The stores of a job, in the order in which they first appear in it; raises NotFound."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await job_lists.read_stores(
                connection, job_id, store_ids, after=after or 0, limit=limit + 1
            )
            await jobs.known_job(connection, job_id)
        page = found[:limit]
        return page, page[-1].first_visit_no if len(found) > limit else None
