"""Photos that are handed in, in tests of matching: made of hashes alone, in jobs at given times."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg

from retailpulse.config.settings import MatchSettings
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import Part, build
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.fetch import origin_key
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.postgres.database import Database
from retailpulse.worker.matcher import Matcher
from tests.storage.jobs import measured, place
from tests.storage.settled import settle

BEGIN = datetime.now(UTC) - timedelta(days=30)
"""Before all submits of the tests."""


OF_FEW_BANDS = [
    number
    for number in range(256)
    if fingerprints.keys((1 << number).to_bytes(32))[3:] == fingerprints.keys(bytes(32))[3:]
]
"""The bits that are in the first three bands, or in none."""


@dataclass(frozen=True, slots=True)
class Photo:
    """What is known of a photo: the bits of its hash, and its bytes by a number; 0: not known."""

    bits: int
    file: int = 0

    def changed(self, count: int) -> "Photo":
        """The same picture, encoded in another way: so many bits differ, and most bands have none of them.

        Neighbours of a real hash differ together, which some bands are spared by; a few do here by choice.
        """
        return Photo(self.bits ^ sum(1 << number for number in OF_FEW_BANDS[:count]))

    def in_file(self, number: int) -> "Photo":
        """The same picture in a file with this number."""
        return Photo(self.bits, number)

    def result(self, job_id: UUID, image_no: int) -> ImageResult:
        """What a worker settles for it."""
        result = measured(job_id, image_no)
        assert result.measurement is not None
        facts = msgspec.structs.replace(
            result.measurement,
            sha256=self.file.to_bytes(32).hex() if self.file else None,
            fingerprint=build([(Part.KEPT | Part.ASKED, self.bits.to_bytes(32))]),
        )
        return msgspec.structs.replace(result, measurement=facts)


def drawn(seed: int) -> Photo:
    """A photo that is like no other of another seed."""
    return Photo(random.Random(seed).getrandbits(256))


async def submit(
    database: Database,
    photos: Iterable[tuple[str, str]],
    *,
    day: float = 0,
    areas: dict[str, str] | None = None,
) -> UUID:
    """A job of one visit for each store and time, submitted so many days after the beginning."""
    job_id = new_job_id()
    visits = [
        Visit(
            store_id=store_id,
            visit_time=visit_time,
            visited_at=datetime.fromisoformat(visit_time) if visit_time else None,
            image_urls=(f"http://photos.example/{job_id}/{number}.jpg",),
        )
        for number, (store_id, visit_time) in enumerate(photos)
    ]
    async with database.transaction() as connection:
        for visit in visits:
            await connection.execute(
                "INSERT INTO stores VALUES (%s, %s, 'Shop') ON CONFLICT DO NOTHING",
                [visit.store_id, (areas or {}).get(visit.store_id, "7100")],
            )
        options = JobOptions(depth=Depth.DECODE)
        submission = Submission(visits=tuple(visits), options=options)
        await submitting.insert_job(connection, place(job_id), submission, origin_key)
        await connection.execute(
            "UPDATE jobs SET submitted_at = %s WHERE job_id = %s", [BEGIN + timedelta(days=day), job_id]
        )
    return job_id


async def hand_in(
    database: Database, *photos: tuple[str, Photo], day: float = 0, visit_time: str | None = None
) -> UUID:
    """A job of one visit and photo for each store, all of which are measured; none is matched yet."""
    times = visit_time if visit_time is not None else f"{BEGIN + timedelta(days=day):%Y-%m-%dT%H:%M:%S+00:00}"
    job_id = await submit(database, [(store_id, times) for store_id, _ in photos], day=day)
    await settle(database, [photo.result(job_id, number) for number, (_, photo) in enumerate(photos, 1)])
    change(database, "DELETE FROM slices")
    return job_id


async def match(database: Database, settings: MatchSettings | None = None) -> int:
    """Matches all that waits; how many photos that was."""
    return await Matcher(database, settings or MatchSettings()).work_off()


def change(database: Database, statement: LiteralString, *values: object) -> None:
    """Changes rows as no part of the service would."""
    with psycopg.connect(database.url) as connection:
        connection.execute(statement, values)


def rows(database: Database, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with psycopg.connect(database.url) as connection:
        return connection.execute(query, values).fetchall()


def matches(database: Database) -> dict[tuple[UUID, int], tuple[tuple[UUID, int], str, str, int]]:
    """All matches: of each later photo the earlier one, the kind, the relation and the distance."""
    found = rows(
        database,
        "SELECT job_id, image_no, earlier_job_id, earlier_image_no, kind, relation, distance"
        " FROM photo_matches ORDER BY job_id, image_no",
    )
    return {(row[0], row[1]): ((row[2], row[3]), *row[4:]) for row in found}


def flags(database: Database, job_id: UUID, image_no: int = 1) -> list[str]:
    """The flags of a result."""
    ((found,),) = rows(
        database, "SELECT flags FROM results WHERE job_id = %s AND image_no = %s", job_id, image_no
    )
    return found or []


def waiting(database: Database) -> tuple[int, int]:
    """How much waits in each queue."""
    ((unknown, unsearched),) = rows(
        database,
        "SELECT (SELECT coalesce(sum(cardinality(image_nos)), 0)::int FROM fingerprint_queue),"
        " (SELECT count(*) FROM match_queue)",
    )
    return unknown, unsearched
