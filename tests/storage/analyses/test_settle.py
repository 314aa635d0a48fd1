"""An analysis brings what it finds to the result of the photo, once, and nothing else of it changes."""

import psycopg
import pytest
from msgspec.structs import replace

from retailpulse.domain.analysis import Analysis, pack_versions
from retailpulse.domain.flags import Flag
from retailpulse.domain.jobs import JobStatus
from retailpulse.fetch import origin_key
from retailpulse.schema import Measurement
from retailpulse.storage.analyses.find import PhotoFilter
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.jobs.read import count_unsettled
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results.flags import change_flags
from retailpulse.storage.results.settle import settle as write
from tests.storage import claiming
from tests.storage.analyses.photos import (
    NOW,
    OTHER_SHA256,
    URLS,
    analysis_of,
    became,
    find,
    measured_job,
    results,
    rows,
    seen,
    settle_analysis,
)
from tests.storage.jobs import failed
from tests.storage.settled import settle, status
from tests.storage.truth import THRESHOLDS, check_truth

OLD = {"sharpness": 1, "exposure": 1}
_KEPT = "outcome, cause, tries, settled_at, sha256, size_bytes, width, brightness"


async def test_facts_flags_and_versions_come_to_the_photo_and_its_copies(database: Database) -> None:
    job_id = await measured_job(database, OLD, [URLS[0], URLS[1], URLS[0]], sharpness=0.9)
    async with database.transaction() as connection:
        await change_flags(connection, job_id, [2], add=[Flag.BLANK])
    kept = results(database, job_id, _KEPT)
    analysis_id = await analysis_of(database, (await find(database)).photos)
    blurred, sharp = seen(analysis_id, 1, sharpness=0.3), seen(analysis_id, 2, sharpness=0.8)
    assert await settle_analysis(database, blurred, sharp) == 2
    assert results(database, job_id, "sharpness, flags, analyzed") == [
        (0.3, ["blurred"], pack_versions(NOW)),
        (0.8, None, pack_versions(NOW)),
        (0.3, ["blurred"], pack_versions(NOW)),
    ]
    assert results(database, job_id, _KEPT) == kept
    assert await status(database, job_id) == (JobStatus.COMPLETED, 3, 0)
    assert became(database, analysis_id) == ["analyzed", "analyzed"]
    assert (await find(database)).photos == []
    check_truth(database.url, job_id)


async def test_the_result_of_an_analysis_is_found_as_no_photo_of_its_own(database: Database) -> None:
    await measured_job(database, OLD)
    analysis_id = await analysis_of(database, (await find(database)).photos)
    await settle_analysis(database, *(seen(analysis_id, number, sharpness=0.3) for number in range(1, 6)))
    assert (
        results(database, analysis_id, "outcome, flags, sharpness, sha256, analyzed")
        == [("measured", None, None, None, None)] * 5
    )
    assert await status(database, analysis_id) == (JobStatus.COMPLETED, 5, 0)


async def test_a_photo_that_has_changed_or_is_gone_is_counted_apart(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:2])
    gone_id = await measured_job(database, OLD, URLS[2:3])
    facts = f"{_KEPT}, sharpness, flags"
    before = results(database, job_id, facts)
    photos = sorted((await find(database)).photos)
    analysis_id = await analysis_of(database, photos)
    async with database.transaction() as connection:
        await pruning.hide_job(connection, gone_id)
        for part in await pruning.remains(connection, gone_id, 100):
            await pruning.delete(connection, part)
        await pruning.drop_note(connection, gone_id)
    given = [seen(analysis_id, number, sharpness=0.1) for number in (1, 2, 3)]
    for number in (0, 1):
        other = replace(given[number].measurement or Measurement(), sha256=OTHER_SHA256)
        given[number] = replace(given[number], measurement=other)
    await settle_analysis(database, *given)
    assert became(database, analysis_id) == ["changed", "changed", "gone"]
    assert results(database, job_id, facts) == before
    assert (await find(database)).photos == []
    assert {finding.name for finding in check_invariants(database.url, THRESHOLDS).findings} <= {
        "waiting_of_ended_job"  # what was settled here without being claimed
    }


async def test_a_photo_without_a_sum_is_the_same_by_its_header(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:2], sha256=None)
    analysis_id = await analysis_of(database, (await find(database)).photos)
    await settle_analysis(database, seen(analysis_id, 1), seen(analysis_id, 2, width=401))
    assert became(database, analysis_id) == ["analyzed", "changed"]
    assert results(database, job_id, "sha256, width") == [(None, 400)] * 2


async def test_an_analyzer_that_is_not_newer_or_said_nothing_changes_no_fact(database: Database) -> None:
    job_id = await measured_job(database, NOW, URLS[:1], sharpness=0.3)
    versions = {"damage": 1}
    photos = (await find(database)).photos
    assert photos == []

    photos = (await find(database, PhotoFilter(versions=versions))).photos
    analysis_id = await analysis_of(database, photos)
    result = seen(analysis_id, 1, {**NOW, **versions}, sharpness=0.9)
    silent = Analysis(analyzer="capture", version=3, reason="it took too long")
    measurement = result.measurement or Measurement()
    told = replace(measurement, analyses=(*measurement.analyses, silent), camera_make="none")
    await settle_analysis(database, replace(result, measurement=told))
    assert results(database, job_id, "sharpness, flags, camera_make, analyzed") == [
        (0.3, ["blurred"], None, pack_versions({**NOW, **versions, "capture": 3}))
    ]


async def test_a_result_that_is_settled_twice_counts_once(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:1])
    analysis_id = await analysis_of(database, (await find(database)).photos)
    assert await settle_analysis(database, seen(analysis_id, 1, sharpness=0.3)) == 1
    assert await settle_analysis(database, seen(analysis_id, 1, sharpness=0.7)) == 0
    assert results(database, job_id, "sharpness") == [(0.3,)]
    assert await status(database, analysis_id) == (JobStatus.COMPLETED, 1, 0)


async def test_nothing_of_an_analysis_is_written_if_its_settle_fails(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:1], sharpness=0.9)
    analysis_id = await analysis_of(database, (await find(database)).photos)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await write(connection, [seen(analysis_id, 1, sharpness=0.3)], analyses={analysis_id})
            raise ZeroDivisionError
    assert results(database, job_id, "sharpness") == [(0.9,)]
    assert became(database, analysis_id) == [None]


async def test_an_analysis_is_claimed_last_failed_retried_and_cancelled_as_a_job(database: Database) -> None:
    job_id = await measured_job(database, OLD)
    before = results(database, job_id, "*")
    analysis_id = await analysis_of(database, (await find(database)).photos)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM slices WHERE job_id = %s", [job_id])
    async with database.connection() as connection:
        assert await count_unsettled(connection) == 0  # no submit is refused for them
        assert await count_unsettled(connection, analyses=True) == 5
    (granted,) = await claiming.claim(database, await claiming.add_worker(database), 3)
    assert (granted.job_id, granted.is_analysis, granted.rank) == (analysis_id, True, 100)
    assert [image.image_url for image in granted.images] == URLS[:3]
    lost = [failed(analysis_id, number) for number in (1, 2, 3)]
    await settle_analysis(database, *lost)
    await settle(database, [], [granted.grant_id])
    assert results(database, job_id, "*") == before
    assert check_invariants(database.url, THRESHOLDS).findings == ()
    async with database.transaction() as connection:
        assert await retry_job(connection, analysis_id, causes=None, origin_of=origin_key) == 3
    assert check_invariants(database.url, THRESHOLDS).findings == ()
    again = replace(seen(analysis_id, 1, sharpness=0.3), earlier=1)
    await settle_analysis(database, again)
    async with database.transaction() as connection:
        assert await cancel_job(connection, analysis_id)
    assert became(database, analysis_id) == ["analyzed", None, None, None, None]
    check_truth(database.url, analysis_id)


async def test_what_credentials_opened_fails_at_once_without_them(database: Database) -> None:
    job_id = await measured_job(database, OLD, URLS[:2])
    await measured_job(database, OLD, URLS[2:3])
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE jobs SET has_credentials = true WHERE job_id = %s", [job_id])
    analysis_id = await analysis_of(database, sorted((await find(database)).photos))
    assert results(database, analysis_id, "image_no, cause") == [(1, "no_credentials"), (2, "no_credentials")]
    assert await status(database, analysis_id) == (JobStatus.ONGOING, 0, 2)
    assert rows(database, "SELECT image_nos FROM slices WHERE job_id = %s", analysis_id) == [([3],)]


async def test_an_analysis_is_pruned_with_its_rows(database: Database) -> None:
    await measured_job(database, OLD, URLS[:1])
    analysis_id = await analysis_of(database, (await find(database)).photos)
    await settle_analysis(database, seen(analysis_id, 1))
    async with database.transaction() as connection:
        await pruning.hide_job(connection, analysis_id)
        for part in await pruning.remains(connection, analysis_id, 100):
            await pruning.delete(connection, part)
    assert rows(database, "SELECT FROM analysis_images") == []
