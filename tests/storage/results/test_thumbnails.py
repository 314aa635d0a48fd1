"""Thumbnails: those of the bytes that a result is of, read for all copies, gone when they are old."""

import random
from datetime import timedelta
from uuid import UUID

import msgspec
import psycopg

from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.schema import ImageResult, Thumbnail
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import thumbnails
from retailpulse.worker.pruner import Pruner, Step
from tests.storage.checking import THRESHOLDS
from tests.storage.ended import ended_job, rows
from tests.storage.jobs import measured, submit
from tests.storage.settled import settle

SMALL, LARGE = ThumbnailKind.THUMBNAIL, ThumbnailKind.REVIEW
BYTES = random.Random(1).randbytes(20_000) + bytes(range(256))
DAY = timedelta(days=1)


def pictured(
    job_id: UUID, image_no: int, *kinds: ThumbnailKind, jpeg: bytes = BYTES, sha256: str = "1f" * 32
) -> ImageResult:
    result = measured(job_id, image_no)
    made = tuple(Thumbnail(kind=kind, width=kind.most_pixels, height=9, jpeg=jpeg) for kind in kinds)
    assert result.measurement is not None
    measurement = msgspec.structs.replace(result.measurement, thumbnails=made, sha256=sha256)
    return msgspec.structs.replace(result, measurement=measurement)


async def seen(database: Database, job_id: UUID, image_no: int, *kinds: ThumbnailKind) -> bytes | None:
    async with database.connection() as connection:
        row = await thumbnails.read(connection, job_id, image_no, kinds or [SMALL])
    assert row is not None
    assert (row.width, row.height) in {(None, None), (320, 9), (1024, 9)}
    return row.jpeg


def count(database: Database) -> int:
    return int(rows(database, "SELECT count(*) FROM thumbnails")[0][0])


async def test_each_byte_is_read_as_it_was_written_by_kind(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a", "http://photos.example/b"])
    await settle(database, [pictured(job_id, 1, SMALL, LARGE), pictured(job_id, 2)])
    assert await seen(database, job_id, 1) == BYTES
    assert await seen(database, job_id, 1, LARGE, SMALL) == BYTES
    assert await seen(database, job_id, 2, LARGE, SMALL) is None
    stored = rows(database, "SELECT pg_column_compression(jpeg), pg_column_size(jpeg) FROM thumbnails")
    assert stored == [(None, len(BYTES))] * 2


async def test_images_that_share_a_url_share_it(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a"] * 3)
    await settle(database, [pictured(job_id, 1, SMALL)])
    assert [await seen(database, job_id, number) for number in (1, 2, 3)] == [BYTES] * 3
    assert count(database) == 1


async def write_pictures(database: Database, result: ImageResult) -> None:
    """What a worker does before it settles a result."""
    async with database.transaction() as connection:
        await thumbnails.insert(connection, [result])


async def test_a_picture_of_another_try_is_not_shown(database: Database) -> None:
    """The host gives another photo for each try; the first one's worker dies, or wakes up late."""
    job_id = await submit(database, ["http://photos.example/a"])
    other = pictured(job_id, 1, SMALL, LARGE, jpeg=b"another photo", sha256="2e" * 32)
    await write_pictures(database, other)
    assert await seen(database, job_id, 1) is None
    await settle(database, [pictured(job_id, 1, SMALL)])
    assert await seen(database, job_id, 1, LARGE, SMALL) == BYTES
    await write_pictures(database, other)
    assert await settle(database, [other]) == 0
    assert await seen(database, job_id, 1, LARGE, SMALL) == BYTES


async def test_a_result_that_is_late_adds_no_picture_of_other_bytes(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a"])
    await settle(database, [pictured(job_id, 1)])
    await settle(database, [pictured(job_id, 1, SMALL, jpeg=b"late", sha256="2e" * 32)])
    assert await seen(database, job_id, 1) is None
    assert await seen(database, job_id, 1, LARGE) is None


async def test_a_picture_of_before_their_bytes_were_known_is_shown(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a"])
    await settle(database, [pictured(job_id, 1, SMALL)])
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE thumbnails SET sha256 = ''")
    assert await seen(database, job_id, 1) == BYTES
    await write_pictures(database, pictured(job_id, 1, SMALL, jpeg=b"made anew"))
    assert await seen(database, job_id, 1) == b"made anew"


async def test_pictures_written_twice_are_there_once(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a"])
    for jpeg in (b"first", b"again"):
        await write_pictures(database, pictured(job_id, 1, SMALL, jpeg=jpeg))
    await settle(database, [pictured(job_id, 1)])
    assert (await seen(database, job_id, 1), count(database)) == (b"again", 1)


async def test_a_job_that_is_gone_gets_none(database: Database) -> None:
    job_id, other = [await submit(database, ["http://photos.example/a"]) for _ in range(2)]
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM jobs WHERE job_id = %s", [job_id])
    async with database.transaction() as connection:
        await thumbnails.insert(connection, [pictured(job, 1, SMALL) for job in (job_id, other)])
    assert rows(database, "SELECT job_id FROM thumbnails") == [(other,)]


async def test_they_go_by_their_age_or_with_their_job(database: Database) -> None:
    old, young = [await submit(database, ["http://photos.example/a"]) for _ in range(2)]
    await settle(database, [pictured(job, 1, SMALL, LARGE) for job in (old, young)])
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "UPDATE thumbnails SET made_at = now() - interval '2 days' WHERE job_id = %s", [old]
        )
    pruner = Pruner(database, jobs_age=None, keys_age=DAY, wait=True, thumbnail_ages={SMALL: DAY})
    assert sum([step async for step in pruner.steps()], Step()) == Step(rows=1)
    assert await seen(database, old, 1) is None
    assert await seen(database, old, 1, LARGE) == BYTES
    assert await seen(database, young, 1) == BYTES
    ended = await ended_job(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE thumbnails SET job_id = %s WHERE job_id = %s", [ended, young])
    async for _ in Pruner(database, jobs_age=DAY, keys_age=DAY, wait=True).steps():
        pass
    assert rows(database, "SELECT job_id, kind FROM thumbnails") == [(old, "review")]


async def test_one_without_its_job_breaks_a_law(database: Database) -> None:
    job_id = await submit(database, ["http://photos.example/a"])
    await settle(database, [pictured(job_id, 1, SMALL)])
    assert check_invariants(database.url, THRESHOLDS).findings == ()
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE thumbnails SET job_id = gen_random_uuid()")
    (finding,) = check_invariants(database.url, THRESHOLDS).findings
    assert finding.name == "thumbnails_without_job"
