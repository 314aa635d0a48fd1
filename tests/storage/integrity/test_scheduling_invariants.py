"""What waits and what is shared out: rows that are lost, doubled or nobody's are found and mended."""

import pytest

from retailpulse.domain.ids import new_job_id
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import leases
from tests.storage import claiming
from tests.storage.checking import URLS, change, found, mended, whole_job
from tests.storage.ended import rows
from tests.storage.jobs import measured, submit
from tests.storage.settled import settle

ALL = list(range(1, 11))


async def test_images_that_nobody_has_are_found_without_any_worker_and_wait_again(database: Database) -> None:
    job_id = await submit(database, URLS, priority=7)
    change(database, "DELETE FROM slices WHERE 9 = ANY(image_nos)")
    finding = found(database)["images_waiting"]
    assert set(found(database)) == {"images_waiting"}
    assert (finding.count, finding.examples[0].detail) == (2, "image 9 is in line or in work 0 times")
    assert await mended(database) == ["lost images put in line again: 2"]
    assert found(database) == {}
    assert claiming.in_line(database, job_id) == ALL
    assert rows(database, "SELECT DISTINCT rank FROM slices") == [(-7,)]


async def test_a_grant_that_is_gone_under_its_worker_is_mended_and_the_rest_stays_in_its_hands(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    await claiming.claim(database, await claiming.add_worker(database))
    change(database, "DELETE FROM grants WHERE 9 = ANY(image_nos)")
    assert set(found(database)) == {"images_waiting"}
    await mended(database)
    assert found(database) == {}
    assert (claiming.in_line(database, job_id), claiming.in_work(database, job_id)) == ([9, 10], ALL[:8])


BROKEN_LINES = {
    "an image waits twice": (
        "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
        " SELECT host_id, rank, tag, job_id, '{2,3}' FROM slices LIMIT 1",
        {"images_waiting"},
    ),
    "an image waits and is in work": (
        "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
        " SELECT host_id, rank, tag, job_id, '{1}' FROM grants LIMIT 1",
        {"images_waiting"},
    ),
    "an image waits that has a result": (
        "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
        " SELECT host_id, rank, tag, job_id, '{5}' FROM grants LIMIT 1",
        {"waiting_in_vain"},
    ),
    "an image waits that never was": (
        "UPDATE slices SET image_nos = image_nos || 99 WHERE 9 = ANY(image_nos)", {"waiting_in_vain"},
    ),
    "a copy waits": (
        "UPDATE slices SET image_nos = image_nos || 11 WHERE 9 = ANY(image_nos)", {"waiting_in_vain"},
    ),
    "a host is gone": (
        "DELETE FROM hosts WHERE host_id > 0", {"slice_without_host"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN_LINES)
async def test_wrong_rows_in_line_are_found_and_each_image_waits_once_after_it(
    database: Database, broken: str
) -> None:
    statement, invariants = BROKEN_LINES[broken]
    job_id = await submit(database, [*URLS, URLS[0]])
    await claiming.claim(database, await claiming.add_worker(database), 4)
    await settle(database, [measured(job_id, 5), measured(job_id, 6)])
    change(database, "UPDATE slices SET image_nos = '{7,8}' WHERE 7 = ANY(image_nos)")  # as if claimed too
    assert found(database) == {}
    change(database, statement)
    assert invariants <= set(found(database))
    await mended(database)
    assert found(database) == {}
    assert claiming.in_line(database, job_id) == [7, 8, 9, 10]
    assert claiming.in_work(database, job_id) == [1, 2, 3, 4]


async def test_what_waits_of_jobs_that_have_ended_or_never_were_is_found_and_deleted(
    database: Database,
) -> None:
    ended = await whole_job(database)
    for job_id in (ended, new_job_id()):
        change(
            database,
            "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
            f" SELECT min(host_id), 0, 0, '{job_id}', '{{1,2}}' FROM hosts",
        )
    finding = found(database)["waiting_of_ended_job"]
    assert (finding.count, finding.examples[0].detail) == (2, "2 images in line or in work")
    assert await mended(database) == ["rows in line deleted that were wrong: 2"]
    assert found(database) == {}


async def test_what_silent_workers_have_is_found_where_another_lives_and_waits_again(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    silent = await claiming.add_worker(database)
    await claiming.claim(database, silent, 4)
    claiming.silence(database, silent, seconds=3_600)
    assert found(database) == {}, "no worker lives that could have mended it"
    await claiming.add_worker(database)
    assert found(database)["silent_worker"].count == 1
    assert await mended(database) == ["images of silent workers handed back: 4"]
    assert found(database) == {}
    assert claiming.in_line(database, job_id) == ALL


async def test_shares_of_workers_that_never_were_and_wrong_sums_of_slots_are_found_and_mended(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    ((host,),) = rows(database, "SELECT DISTINCT host_id FROM slices")
    worker_id = await claiming.add_worker(database)
    async with database.dedicated(planned_once=True) as connection:
        await leases.acquire(connection, worker_id, {host: 5}, cap=16)
    await claiming.claim(database, worker_id)
    assert found(database) == {}
    change(database, f"UPDATE hosts SET leased = 16 WHERE host_id = {host}")
    assert found(database)["host_slots"].examples[0].detail == (
        "http://photos.example:80 has 16 leased, the leases say 5"
    )
    assert await mended(database) == ["slots of hosts set to what the leases say: 1"]
    assert rows(database, f"SELECT leased FROM hosts WHERE host_id = {host}".encode()) == [(5,)]  # type: ignore[arg-type]
    change(database, "DELETE FROM workers")
    assert found(database)["share_without_worker"].count == 1
    await mended(database)
    assert found(database) == {}
    assert claiming.in_line(database, job_id) == ALL
    assert rows(database, "SELECT FROM leases") == []
    assert rows(database, "SELECT FROM hosts WHERE leased > 0") == []
