"""The upgrade from chunks: what was open waits by host after it, once, and every job ends right."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from tests.storage import claiming
from tests.storage.jobs import measured
from tests.storage.postgres.test_migrate import upgrade_to
from tests.storage.scheduling.chunked import SHOP, UNKNOWN, ChunkedDatabase
from tests.storage.settled import settle, status
from tests.storage.truth import THRESHOLDS, check_truth

URLS = [f"http://photos.example/{number}.png" for number in range(300)]


@pytest.fixture
def old(empty_url: str) -> ChunkedDatabase:
    upgrade_to(empty_url, "0009")
    return ChunkedDatabase(empty_url)


@pytest.fixture
async def upgraded(empty_url: str) -> AsyncIterator[Database]:
    """The database, to be opened once it is migrated."""
    async with Database(empty_url, DatabaseSettings(wait_seconds=10)) as database:
        yield database


async def test_open_images_wait_once_and_those_that_are_settled_copies_or_unknown_do_not(
    old: ChunkedDatabase, upgraded: Database
) -> None:
    job_id = old.job(
        (SHOP, URLS[:130]), (UNKNOWN, URLS[:5]), (SHOP, [URLS[0], URLS[2], URLS[129], *URLS[130:]]),
        settled=[1, 2, *range(60, 131), 200],
    )  # fmt: skip
    whole = old.job((SHOP, URLS[:3]))
    assert migrate(upgraded.url)[0] == "0009"
    assert check_invariants(upgraded.url, THRESHOLDS).findings == ()
    to_fetch = set(range(1, 131)) | set(range(139, 309))
    assert claiming.in_line(upgraded, job_id) == sorted(to_fetch - {1, 2, *range(60, 131), 200})
    assert claiming.in_line(upgraded, whole) == [1, 2, 3]
    granted = await claiming.claim(upgraded, await claiming.add_worker(upgraded))
    rest = [measured(grant.job_id, image.image_no) for grant in granted for image in grant.images]
    await settle(upgraded, rest, claiming.grant_ids(granted))
    assert (await status(upgraded, job_id))[0] is JobStatus.FAILED  # its unknown store
    assert (await status(upgraded, whole))[0] is JobStatus.COMPLETED
    check_truth(upgraded.url, job_id, whole)


async def test_a_retried_job_goes_on_with_the_images_of_stores_that_are_known_since(
    old: ChunkedDatabase, upgraded: Database
) -> None:
    job_id = old.job((SHOP, URLS[:4]), (UNKNOWN, URLS[10:13]), settled=[1, 2])
    old.fails(job_id, 3, "timeout")
    old.retry(job_id)
    migrate(upgraded.url)
    assert check_invariants(upgraded.url, THRESHOLDS).findings == ()
    assert claiming.in_line(upgraded, job_id) == [3, 4, 5, 6, 7]
    granted = await claiming.claim(upgraded, await claiming.add_worker(upgraded))
    earlier = {image.image_no: image.earlier for image in claiming.images(granted)}
    assert earlier == {3: 1, 4: 0, 5: 1, 6: 1, 7: 1}


async def test_a_slice_has_the_rank_of_its_job_and_at_most_128_images(
    old: ChunkedDatabase, upgraded: Database
) -> None:
    jobs = {old.job((SHOP, URLS), priority=priority): priority for priority in (0, 7, -100)}
    migrate(upgraded.url)
    with psycopg.connect(upgraded.url) as connection:
        rows = connection.execute("SELECT job_id, rank, cardinality(image_nos) FROM slices").fetchall()
        hosts = connection.execute("SELECT DISTINCT host_id FROM slices").fetchall()
    assert {(job_id, rank) for job_id, rank, _ in rows} == {(job_id, -rank) for job_id, rank in jobs.items()}
    assert max(size for *_, size in rows) == 128
    assert len(hosts) > 3, "buckets share the work out among workers"


async def test_jobs_that_have_ended_do_not_wait(old: ChunkedDatabase, upgraded: Database) -> None:
    job_id = old.job((SHOP, URLS[:5]), settled=[1, 2, 3, 4, 5])
    with psycopg.connect(upgraded.url) as connection:
        connection.execute("UPDATE jobs SET status = 'completed', finished_at = now()")
    migrate(upgraded.url)
    assert claiming.in_line(upgraded, job_id) == []
    check_truth(upgraded.url, job_id)


async def test_chunks_go(old: ChunkedDatabase, upgraded: Database) -> None:
    old.job((SHOP, URLS))
    migrate(upgraded.url)
    with psycopg.connect(upgraded.url) as connection:
        assert connection.execute("SELECT to_regclass('chunks')").fetchone() == (None,)
