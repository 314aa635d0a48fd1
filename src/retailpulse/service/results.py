"""What is asked of the results of a job: a page of them, or all, in the order of the submit."""

from collections.abc import AsyncIterator
from uuid import UUID

from retailpulse.domain.errors import NotFound
from retailpulse.storage import jobs, results
from retailpulse.storage.database import Database
from retailpulse.storage.results import PageFormat

ROWS_PER_PAGE = 1_000


class Results:
    """The results of jobs over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, job_id: UUID, *, after: int, limit: int, page_format: PageFormat
    ) -> tuple[list[bytes], int | None]:
        """Rows of a job after an image number, as lines, and the number to go on after, if any.

        Raises NotFound.
        """
        async with self._database.connection() as connection:
            job = await jobs.find_job(connection, job_id)
            if job is None:
                raise NotFound(f"there is no job {job_id}")
            lines, count = await results.read_page(
                connection, job_id, after=after, limit=limit, page_format=page_format
            )
            if count < limit and await jobs.find_job(connection, job_id) is None:
                raise NotFound(f"the job {job_id} was pruned while it was read")
        reached = after + count
        return lines, reached if 0 < reached < job.images and count else None

    async def all(self, job_id: UUID, page_format: PageFormat) -> AsyncIterator[bytes]:
        """All rows of a job, page by page; memory is bounded and a slow reader holds no connection."""
        after: int | None = 0
        while after is not None:
            lines, after = await self.page(job_id, after=after, limit=ROWS_PER_PAGE, page_format=page_format)
            yield b"".join(lines)
            if page_format is PageFormat.CSV_WITH_HEADER:
                page_format = PageFormat.CSV
