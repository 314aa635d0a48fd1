"""Photos are found that a new or changed analyzer has not looked at, each once, in bounded steps."""

import psycopg
import pytest

from retailpulse.domain.images import Depth
from retailpulse.domain.times import parse_query_time
from retailpulse.storage.analyses import find as finding
from retailpulse.storage.analyses.find import Found, PhotoFilter
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Database
from tests.storage.analyses.photos import NOW, URLS, analysis_of, find, measured_job, settle_analysis
from tests.storage.jobs import failed, submit
from tests.storage.settled import settle

OLD = {"sharpness": 1, "exposure": 1}


def numbers(found: Found) -> list[int]:
    return [photo.image_no for photo in found.photos]


async def test_only_photos_that_lack_a_version_are_found(database: Database) -> None:
    older = await measured_job(database, OLD)
    never = await measured_job(database, {})
    await measured_job(database, NOW)
    found = await find(database)
    assert [photo.job_id for photo in found.photos] == [never] * 5 + [older] * 5
    assert numbers(found) == [1, 2, 3, 4, 5] * 2
    assert [photo.image_url for photo in found.photos] == URLS * 2
    assert (found.looked_at, found.reached) == (15, None)
    one = await find(database, PhotoFilter(versions={"exposure": 1}))
    assert {photo.job_id for photo in one.photos} == {never}


async def test_what_was_not_measured_and_copies_are_not_found(database: Database) -> None:
    job_id = await submit(database, URLS, depth=Depth.DECODE)
    await settle(database, [failed(job_id, 1)])
    await measured_job(database, OLD, [URLS[0], URLS[1], URLS[0]])
    assert numbers(await find(database)) == [1, 2]


async def test_depths_times_and_jobs_are_filtered(database: Database) -> None:
    shallow = await measured_job(database, {}, depth=Depth.DOWNLOAD)
    deep = await measured_job(database, {})
    every = PhotoFilter(versions=NOW, all_depths=True)
    assert {photo.job_id for photo in (await find(database)).photos} == {deep}
    assert {photo.job_id for photo in (await find(database, every)).photos} == {shallow, deep}
    early = parse_query_time("2020-01-01")
    assert (await find(database, PhotoFilter(versions=NOW, until=early))).photos == []
    assert len((await find(database, PhotoFilter(versions=NOW, since=early))).photos) == 5
    assert (await find(database, PhotoFilter(versions=NOW, job_id=shallow))).photos == []


async def test_a_look_goes_on_where_the_one_before_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "WINDOW_IMAGES", 3)
    monkeypatch.setattr(finding, "_JOBS_AT_ONCE", 2)
    jobs = [await measured_job(database, OLD) for _ in range(5)]
    places, after, looked_at = [], None, 0
    while True:
        found = await find(database, after=after, most=4, looked_at=7)
        places += [(photo.job_id, photo.image_no) for photo in found.photos]
        looked_at += found.looked_at
        assert len(found.photos) <= 4
        if (after := found.reached) is None:
            break
    assert places == [(job_id, number) for job_id in reversed(jobs) for number in range(1, 6)]
    assert looked_at == 25


async def test_what_waits_to_be_looked_at_is_not_found_until_its_analysis_ends(database: Database) -> None:
    await measured_job(database, OLD)
    photos = (await find(database)).photos
    analysis_id = await analysis_of(database, photos[:2])
    assert numbers(await find(database)) == [3, 4, 5]
    late = await analysis_of(database, photos[:3])  # of what another program found at the same time
    assert await find(database, PhotoFilter(versions=NOW, job_id=late)) == Found(
        photos=[], left_out=0, looked_at=0, reached=None
    )
    assert numbers(await find(database)) == [4, 5]
    async with database.transaction() as connection:
        await cancel_job(connection, analysis_id)
    assert numbers(await find(database)) == [1, 2, 4, 5]


async def test_where_an_analysis_failed_nothing_is_found_until_an_analyzer_changes(
    database: Database,
) -> None:
    await measured_job(database, OLD)
    analysis_id = await analysis_of(database, (await find(database)).photos[:3])
    await settle_analysis(database, failed(analysis_id, 1), failed(analysis_id, 2))
    async with database.transaction() as connection:
        assert await cancel_job(connection, analysis_id)  # image 3 was not tried
    found = await find(database)
    assert (numbers(found), found.left_out, found.looked_at) == ([3, 4, 5], 2, 5)
    first = await find(database, most=1)
    assert (numbers(first), first.left_out) == ([3], 2)
    rest = await find(database, after=first.reached)
    assert (numbers(rest), rest.left_out) == ([4, 5], 0)
    every = await find(database, PhotoFilter(versions=NOW, failed_too=True))
    assert (numbers(every), every.left_out) == ([1, 2, 3, 4, 5], 0)
    assert numbers(await find(database, PhotoFilter(versions={"sharpness": 2}))) == [3, 4, 5]
    assert numbers(await find(database, PhotoFilter(versions={**NOW, "exposure": 2}))) == [1, 2, 3, 4, 5]
    assert numbers(await find(database, PhotoFilter(versions={**NOW, "capture": 1}))) == [1, 2, 3, 4, 5]


async def test_photos_that_lacked_credentials_are_found_if_these_are_given(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:1])
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE jobs SET has_credentials = true WHERE job_id = %s", [job_id])
    await analysis_of(database, (await find(database)).photos)
    assert (await find(database)).left_out == 1
    assert numbers(await find(database, PhotoFilter(versions=NOW, has_credentials=True))) == [1]
