"""Flagged results for tests of the tables, and what the tables then say of flags."""

from uuid import UUID

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.database import Database
from tests.storage.jobs import measured


def flagged(job_id: UUID, image_no: int, *flags: Flag) -> ImageResult:
    """A measured image with flags."""
    result = measured(job_id, image_no)
    assert result.measurement is not None
    measurement = msgspec.structs.replace(result.measurement, flags=list(map(str, flags)))
    return msgspec.structs.replace(result, measurement=measurement)


async def counts(database: Database, job_id: UUID) -> tuple[int, dict[str, int]]:
    """How many photos of a job are flagged, and by what, as the job counts them."""
    async with database.connection() as connection:
        job = await jobs.known_job(connection, job_id)
    return job.flagged, job.flags


async def listed(database: Database, job_id: UUID) -> list[tuple[int, str, str, str]]:
    """The number, flag, store and area of each row of a job in the list of flagged photos."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT image_no, flag, store_id, area_code FROM flagged_photos WHERE job_id = %s ORDER BY 1, 2",
            [job_id],
        )
        return [(number, flag, store, area) for number, flag, store, area in await cursor.fetchall()]
