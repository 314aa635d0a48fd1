"""Photos that were measured by analyzers of some versions, and analyses of them, without any HTTP."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import psycopg
from msgspec.structs import replace

from retailpulse.domain.analysis import Analysis, Facts
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth, Format, Header
from retailpulse.fetch import origin_key
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult
from retailpulse.storage.analyses.find import Found, Photo, PhotoFilter, Reached, find_photos
from retailpulse.storage.analyses.insert import insert_analysis
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from tests.storage.jobs import measured, submit
from tests.storage.settled import settle

SHA256 = "ab" * 32
OTHER_SHA256 = "cd" * 32
URLS = [f"http://photos.example/{number}.jpg" for number in range(1, 6)]
NOW = {"sharpness": 2, "exposure": 1}
"""The versions of the analyzers that should have looked at photos."""


def seen(
    job_id: UUID,
    image_no: int,
    versions: Mapping[str, int] = NOW,
    *,
    sharpness: float = 0.9,
    sha256: str | None = SHA256,
    width: int = 400,
) -> ImageResult:
    """A result of a photo that analyzers of these versions looked at; it is not dark."""
    facts: dict[str, Facts] = {
        "sharpness": {"sharpness": sharpness},
        "exposure": {"brightness": 120.0, "brightness_p95": 220, "brightness_p99": 240, "content": 0.9},
        "damage": {"suspect": None},
    }
    header = Header(format=Format.JPEG, width=width, height=300, displayed_width=width, displayed_height=300)
    analyses = [
        Analysis(analyzer=name, version=version, facts=facts[name]) for name, version in versions.items()
    ]
    measurement = make_measurement(header, size_bytes=9_000, sha256=sha256, analyses=analyses)
    return replace(measured(job_id, image_no), measurement=measurement)


async def measured_job(
    database: Database,
    versions: Mapping[str, int],
    urls: Sequence[str] = URLS,
    *,
    depth: Depth = Depth.DECODE,
    sharpness: float = 0.9,
    sha256: str | None = SHA256,
) -> UUID:
    """A job of before, all of whose photos were measured; nothing of it waits."""
    job_id = await submit(database, urls, depth=depth)
    firsts = [number for number, url in enumerate(urls, 1) if urls.index(url) == number - 1]
    await settle(
        database, [seen(job_id, number, versions, sharpness=sharpness, sha256=sha256) for number in firsts]
    )
    return job_id


async def find(
    database: Database,
    wanted: PhotoFilter | None = None,
    *,
    after: Reached | None = None,
    most: int = 1_000,
    looked_at: int = 1_000_000,
) -> Found:
    """A look for photos."""
    connect = partial(database.connection)
    return await find_photos(
        connect, wanted or PhotoFilter(versions=NOW), after=after, most_photos=most, most_looked_at=looked_at
    )


async def analysis_of(database: Database, photos: Sequence[Photo], versions: Mapping[str, int] = NOW) -> UUID:
    """An analysis of photos by analyzers of these versions; the photos wait for it now."""
    job_id = new_job_id()
    async with database.transaction() as connection:
        await insert_analysis(connection, job_id, photos, versions=versions, origin_of=origin_key)
    return job_id


async def settle_analysis(database: Database, *rows: ImageResult) -> int:
    """Settles images of analyses as a worker does."""
    async with database.transaction() as connection:
        return await settling.settle(connection, rows, analyses={row.job_id for row in rows})


def rows(database: Database, query: str, *values: object) -> list[tuple[object, ...]]:
    """What a query finds."""
    with psycopg.connect(database.url) as connection:
        return connection.execute(query.encode(), values).fetchall()


def results(database: Database, job_id: UUID, columns: str) -> list[tuple[object, ...]]:
    """Columns of the results of a job, by image."""
    return rows(database, f"SELECT {columns} FROM results WHERE job_id = %s ORDER BY image_no", job_id)


def became(database: Database, job_id: UUID) -> list[object]:
    """What became of the photos of an analysis, in their order."""
    query = "SELECT became FROM analysis_images WHERE job_id = %s ORDER BY image_no"
    return [what for (what,) in rows(database, query, job_id)]
