"""Photos are held against their visits as they are settled: each copy against its own."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.domain.times import parse_visit_time
from retailpulse.fetch import origin_key
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import copies
from retailpulse.storage.results import settle as settling
from retailpulse.storage.results.visit_checks import read_checks
from tests.storage.checking import found
from tests.storage.jobs import measured, place
from tests.storage.settled import settle

HERE = {"latitude": 12.97, "longitude": 77.59}
BLURRED = ["blurred"]
AT_TEN = "2026-11-20T10:00:00Z"
A, B = "http://photos.example/a.jpg", "http://photos.example/b.jpg"


async def submitted(database: Database, *visits: tuple[str, str, list[str]]) -> UUID:
    """A job of visits, each a store, a time, and URLs; the place of the store NOWHERE is not known."""
    job_id = new_job_id()
    made = [
        Visit(store_id=store, visit_time=at, visited_at=parse_visit_time(at), image_urls=tuple(urls))
        for store, at, urls in visits
    ]
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO stores VALUES ('HERE', 'A', 'A shop', 12.97, 77.59),"
            " ('AWAY', 'A', 'A shop', 12.98, 77.59), ('NOWHERE', 'A', 'A shop', NULL, NULL)"
            " ON CONFLICT DO NOTHING"
        )
        submission = Submission(visits=tuple(made), options=JobOptions(depth=Depth.DECODE))
        await submitting.insert_job(connection, place(job_id), submission, origin_key)
    return job_id


def photo(job_id: UUID, image_no: int, **facts: Any) -> ImageResult:
    """The result of a photo with these facts."""
    result = measured(job_id, image_no)
    assert result.measurement is not None
    return msgspec.structs.replace(result, measurement=msgspec.structs.replace(result.measurement, **facts))


async def checks_in(
    database: Database, job_id: UUID
) -> list[tuple[list[str] | None, float | None, int | None]]:
    """The flags, the hours and the meters of every image."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT flags, hours_from_visit, store_distance_m FROM results WHERE job_id = %s"
            " ORDER BY image_no",
            [job_id],
        )
        return await cursor.fetchall()


@pytest.mark.parametrize(
    ("store", "visit_time", "facts", "expected"),
    [
        ("HERE", AT_TEN, {"taken_at": "2026-11-20T10:30:00Z"} | HERE, (None, 0.5, 0)),
        ("HERE", AT_TEN, {"taken_at": "2026-11-21T10:00:00Z"}, (None, 24, None)),
        ("HERE", AT_TEN, {"taken_at": "2026-11-21T10:06:00Z"}, (["time_mismatch"], 24.1, None)),
        ("HERE", AT_TEN, {"taken_at": "2026-11-22T00:00:00"}, (None, 24, None)),
        ("HERE", AT_TEN, {"taken_at": "2027-11-20T10:00:00Z"}, (["time_mismatch"], 8760, None)),
        ("HERE", AT_TEN, {"taken_at": "2026-10-20T10:00:00Z", "flags": BLURRED},
         (["blurred", "time_mismatch", "stale"], -744, None)),
        ("HERE", AT_TEN, {"latitude": 12.9745, "longitude": 77.59}, (None, None, 500)),
        ("HERE", AT_TEN, {"latitude": 12.9746, "longitude": 77.59, "flags": BLURRED},
         (["blurred", "far_from_store"], None, 511)),
        ("NOWHERE", AT_TEN, HERE, (None, None, None)),
        ("HERE", AT_TEN, {"clock": "reset"}, (None, None, None)),
        ("HERE", "some day", {"taken_at": "2020-01-01T10:00:00Z"}, (["stale"], None, None)),
        ("HERE", "some day", {"taken_at": "2999-01-01T10:00:00Z"}, (None, None, None)),
    ],
)  # fmt: skip
async def test_a_photo_is_flagged_by_its_visit(
    database: Database, store: str, visit_time: str, facts: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    job_id = await submitted(database, (store, visit_time, [A]))
    assert await settle(database, [photo(job_id, 1, **facts)]) == 1
    assert await checks_in(database, job_id) == [expected]


async def test_each_copy_is_held_against_its_own_visit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "COPIES_AT_ONCE", 2)
    job_id = await submitted(
        database,
        ("HERE", AT_TEN, [A, B]),
        ("AWAY", AT_TEN, [A, B]),
        ("NOWHERE", "2026-12-25T10:00:00Z", [A]),
        ("HERE", "no time", [A]),
    )
    taken = {"taken_at": "2026-11-20T11:00:00Z", "flags": ["dark"]} | HERE
    assert await settle(database, [photo(job_id, 1, **taken), photo(job_id, 2, flags=["soft"])]) == 6
    assert await checks_in(database, job_id) == [
        (["dark"], 1, 0),
        (["soft"], None, None),
        (["dark", "far_from_store"], 1, 1112),
        (["soft"], None, None),
        (["dark", "time_mismatch", "stale"], -839, None),
        (["dark"], None, 0),
    ]
    assert found(database) == {}


async def test_settings_move_the_bounds_and_zero_takes_them_away(database: Database) -> None:
    facts = {"taken_at": "2026-11-18T10:00:00Z", "latitude": 12.98, "longitude": 77.59}
    bounds: dict[tuple[float, int, float], list[str] | None] = {
        (47.9, 1111, 1.9): ["time_mismatch", "far_from_store", "stale"],
        (48, 1112, 2): None,
        (0, 0, 0): None,
    }
    for (hours, meters, days), flags in bounds.items():
        job_id = await submitted(database, ("HERE", AT_TEN, [A]))
        thresholds = MeasureSettings(time_mismatch_hours=hours, far_from_store_meters=meters, stale_days=days)
        async with database.transaction() as connection:
            await settling.settle(connection, [photo(job_id, 1, **facts)], thresholds=thresholds)
        assert await checks_in(database, job_id) == [(flags, -48, 1112)]


async def test_photos_without_a_time_or_a_place_cost_no_statement(database: Database) -> None:
    results = [photo(new_job_id(), 1, camera_make="Maker", sharpness=0.4), photo(new_job_id(), 2)]
    async with database.connection() as connection:
        await connection.close()  # whatever is asked of it now fails
        assert await read_checks(connection, results, MeasureSettings()) == {}
