"""What is asked of the results of a job: a page of them, or all, in the order of the submit."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import pages
from retailpulse.storage.results.pages import (
    PAGE_BYTES,
    PageFormat,
    ResultFilter,
    ResultForm,
    number_of,
)

EXPORTED_ROWS = 5_000
"""How many rows of an export are in memory at once."""


class Results:
    """The results of jobs over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        job_id: UUID,
        wanted: ResultFilter,
        form: ResultForm,
        *,
        after: int | None,
        limit: int,
        windows: int | None = None,
    ) -> tuple[list[bytes], int | None]:
        """Rows of a job after an image number, as lines, and the number to go on after, if any.

        With a number of `windows`, no more of them are looked at: the page may be short, or empty, and yet
        have a next one. Raises NotFound.
        """
        async with self._database.connection(share=Share.READS) as connection:
            job = await jobs.known_job(connection, job_id)
            lines: list[bytes] = []
            size_bytes, reached, looks = 0, after or 0, 0
            # One row more than asked for tells whether there is a next page.
            while len(lines) <= limit and size_bytes < PAGE_BYTES and _goes_on(job, wanted, reached):
                if looks == windows:
                    break
                looks += 1
                rows = await pages.read_page(
                    connection, job_id, wanted, form, after=reached, limit=limit + 1 - len(lines)
                )
                lines += rows.lines
                size_bytes += sum(map(len, rows.lines))
                reached = rows.reached
            # A job that is pruned meanwhile must not seem to end here.
            await jobs.known_job(connection, job_id)
        if len(lines) > limit:
            return lines[:limit], number_of(lines[limit - 1])
        is_cut = bool(lines) or looks == windows
        return lines, reached if is_cut and _goes_on(job, wanted, reached) else None

    async def all(self, job_id: UUID, wanted: ResultFilter, form: ResultForm) -> AsyncIterator[bytes]:
        """All rows of a job that are wanted, in blocks of lines; the first block has the header, if any.

        Memory is bounded, and a slow reader holds no connection. Raises NotFound with the first block, or
        later if the job is pruned while it is read.
        """
        reached = 0
        while True:
            wait_seconds = PAGE_WAIT_SECONDS if reached else None
            async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
                job = await jobs.known_job(connection, job_id)
                rows = await pages.read_page(
                    connection, job_id, wanted, form, after=reached, limit=EXPORTED_ROWS
                )
                await jobs.known_job(connection, job_id)
            reached = rows.reached
            if rows.header or rows.lines:
                yield rows.header + b"".join(rows.lines)
            if not _goes_on(job, wanted, reached):
                return
            if rows.header:
                form = replace(form, page_format=PageFormat.CSV)


def _goes_on(job: JobRow, wanted: ResultFilter, reached: int) -> bool:
    """Whether images after `reached` may be wanted."""
    return reached < job.images and not (wanted.wants_only_unsettled and job.settled == job.images)
