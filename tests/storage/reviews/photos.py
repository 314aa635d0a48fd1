"""Photos that wait for a decision, in tests of the tables."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import Decision
from retailpulse.schema import Review
from retailpulse.service import Reviews
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reviews.decide import NewDecision
from tests.storage.jobs import KNOWN, measured, submit_visits
from tests.storage.matches.handed_in import drawn, hand_in, match
from tests.storage.settled import settle


async def flagged_job(database: Database, *flags: Sequence[Flag]) -> UUID:
    """A job with a measured photo for each of these lists of flags; the first two are of one visit."""
    urls = [f"https://photos.example/{number}.jpg" for number in range(len(flags))]
    job_id = await submit_visits(database, (KNOWN[0], urls[:2]), (KNOWN[1], urls[2:]))
    results = []
    for number, of_photo in enumerate(flags, 1):
        result = measured(job_id, number)
        assert result.measurement is not None
        facts = replace(result.measurement, flags=list(map(str, of_photo)), sha256=f"{number:064x}")
        results.append(replace(result, measurement=facts))
    await settle(database, results)
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM slices WHERE job_id = %s", [job_id])  # none was claimed
    return job_id


async def copied_photo(database: Database, *, seed: int = 1, store: str = "RP00001") -> tuple[UUID, UUID]:
    """Two jobs of one photo each: the earlier one, of RP00002, and one of `store` that is a copy of it."""
    photo = drawn(seed)
    earlier = await hand_in(database, ("RP00002", photo), day=1, visit_time="2026-11-13T10:00:00+00:00")
    later = await hand_in(database, (store, photo.changed(9)), day=2)
    await match(database)
    return earlier, later


async def decide(
    database: Database, job_id: UUID, image_no: int, decision: Decision, *, by: str = "anna", **more: object
) -> Review:
    """A decision as the service takes it."""
    new = NewDecision(photo=(job_id, image_no), decision=decision, by=by, **more)  # type: ignore[arg-type]
    return await Reviews(database).decide(new)
