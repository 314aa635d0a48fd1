"""Counts and list of flagged photos: what is not as the results say is found, and mended by them."""

import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import new_job_id
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from tests.storage.checking import URLS, change, found, mended
from tests.storage.jobs import KNOWN, failed, measured, submit
from tests.storage.postgres.test_migrate import upgrade_to
from tests.storage.results.flagged import counts, flagged, listed
from tests.storage.settled import settle

TAKEN_OFF = "flags taken off the list that were wrong there: 1"
STORES = "counts of stores set to what the visits and results say: 1"
COUNTED = "counts of flags set to what the results say: 1"
BROKEN = {
    "a count is wrong": ("UPDATE jobs SET flagged = 1", {"flag_counters": [COUNTED]}),
    "a flag is counted that none has": (
        """UPDATE jobs SET flags = flags || '{"soft": 0}'""", {"flag_counters": [COUNTED]}),
    "a flag is not listed": (
        "DELETE FROM flagged_photos WHERE image_no = 2",
        {"flagged_photos": ["flags listed anew as the results say: 1"]}),
    "a photo is listed at another store": (
        "UPDATE flagged_photos SET store_id = 'RP00002' WHERE image_no = 2",
        {"flagged_photos": ["flags listed anew as the results say: 1"]}),
    "its store has moved": (
        "UPDATE stores SET area_code = '7200'",
        {"flagged_photos": ["flags listed anew as the results say: 3"]}),
    "a photo without the flag is listed": (
        "INSERT INTO flagged_photos SELECT job_id, 3, 'dark', settled_at, store_id, area_code"
        " FROM flagged_photos WHERE image_no = 2",
        {"flagged_photos": [TAKEN_OFF]}),
    "a result has lost its flags": (
        "UPDATE results SET flags = NULL WHERE image_no = 2",
        {"job_stores": [STORES], "flag_counters": [COUNTED], "flagged_photos": [TAKEN_OFF]}),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_is_not_as_the_results_say_is_found_and_mended(database: Database, broken: str) -> None:
    statement, says = BROKEN[broken]
    job_id = await submit(database, URLS[:4])
    change(database, "DELETE FROM slices")
    results = [flagged(job_id, 1, Flag.DARK, Flag.BLANK), flagged(job_id, 2, Flag.DARK), failed(job_id, 4)]
    await settle(database, [*results, measured(job_id, 3)])
    assert found(database) == {}
    change(database, statement)
    assert set(found(database)) == set(says)
    assert await mended(database) == [line for lines in says.values() for line in lines]
    assert found(database) == {}


async def test_what_is_left_of_no_job_is_found(database: Database) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [flagged(job_id, 1, Flag.DARK)])
    change(database, "DELETE FROM jobs")
    assert found(database)["flagged_photos_without_job"].examples[0].detail == "1 rows"


async def test_an_upgrade_counts_and_lists_the_flags_of_before(empty_url: str) -> None:
    upgrade_to(empty_url, "0017")
    job_id, other = new_job_id(), new_job_id()
    async with Database(empty_url, DatabaseSettings()) as database:
        change(
            database,
            f"INSERT INTO stores VALUES ('{KNOWN[0]}', '7100015', 'Shop')",
            *(
                statement
                for each in (job_id, other)
                for statement in (
                    "INSERT INTO jobs (job_id, status, depth, images, measured, finished_at)"
                    f" VALUES ('{each}', 'completed', 'decode', 3, 3, now())",
                    f"INSERT INTO visits VALUES ('{each}', 1, '{KNOWN[0]}', true, '', NULL, 1, 3)",
                    f"INSERT INTO images SELECT '{each}', n, 1, '' FROM generate_series(1, 3) n",
                    "INSERT INTO results (job_id, image_no, outcome, width, height, tries)"
                    f" SELECT '{each}', n, 'measured', 1, 1, 1 FROM generate_series(1, 3) n",
                )
            ),
            f"UPDATE results SET flags = '{{dark,blank}}' WHERE image_no < 3 AND job_id = '{job_id}'",
            f"UPDATE results SET flags = '{{soft}}' WHERE image_no = 3 AND job_id = '{job_id}'",
        )
        migrate(empty_url)
        assert await counts(database, job_id) == (3, {"blank": 2, "dark": 2, "soft": 1})
        assert await counts(database, other) == (0, {})
        assert [row[:2] for row in await listed(database, job_id)] == [
            (1, "blank"), (1, "dark"), (2, "blank"), (2, "dark"), (3, "soft")]  # fmt: skip
        assert found(database) == {}
