"""Flagged photos across jobs: whole and in order by every filter, at the cost of the page alone."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.flags import Flag
from retailpulse.schema import FlaggedPhoto
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.results.flags import change_flags
from retailpulse.storage.results.photos import PhotoFilter, PhotoPlace, read_photos
from tests.storage.checking import change
from tests.storage.jobs import submit
from tests.storage.results.flagged import flagged
from tests.storage.results.flagged_photos import Many, fill
from tests.storage.scheduling.buffers import Meter
from tests.storage.servers import created
from tests.storage.settled import settle

FEW = Many(photos=300, jobs=4, stores=9, areas=3)
JOBS = [UUID(bytes=hashlib.md5(f"job {no}".encode()).digest()) for no in range(100)]
NOON = datetime(2026, 11, 1, 0, 0, 30, tzinfo=UTC)
LATER = datetime(2026, 11, 1, 0, 0, 50, tzinfo=UTC)
FILTERS = {
    "all": PhotoFilter(),
    "a flag": PhotoFilter(flags=(Flag.BLURRED,)),
    "flags": PhotoFilter(flags=(Flag.BLURRED, Flag.DARK, Flag.DARK)),
    "an area": PhotoFilter(area_codes=("A1",)),
    "areas and a flag": PhotoFilter(area_codes=("A1", "A2", "A1"), flags=(Flag.DARK,)),
    "a store": PhotoFilter(store_ids=("S3",)),
    "a store of another area": PhotoFilter(store_ids=("S3",), area_codes=("A1",)),
    "a store in a job": PhotoFilter(store_ids=("S3", "S4"), job_ids=(JOBS[1], JOBS[3])),
    "a job in an area": PhotoFilter(job_ids=(JOBS[2],), area_codes=("A0", "A2")),
    "a time": PhotoFilter(start=NOON, end=LATER),
    "a time in an area": PhotoFilter(start=NOON, area_codes=("A2",), flags=(Flag.SOFT, Flag.BLANK)),
    "nothing": PhotoFilter(area_codes=("nowhere",)),
}  # fmt: skip


def decoded(page: list[bytes]) -> list[FlaggedPhoto]:
    return [msgspec.json.decode(photo, type=FlaggedPhoto) for photo in page]


async def places(
    database: Database, wanted: PhotoFilter, limit: int, after: PhotoPlace | None = None
) -> list[tuple[str, int]]:
    """The job and the number of each photo, over all pages from a place on."""
    found = []
    while True:
        async with database.connection() as connection:
            page, after = await read_photos(connection, wanted, after=after, limit=limit)
        assert len(page) <= limit
        found += [(photo.job_id, photo.image_no) for photo in decoded(page)]
        if after is None:
            return found


def expected(url: str, wanted: PhotoFilter) -> list[tuple[str, int]]:
    """The same by a plain look at all results."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT r.job_id, r.image_no, r.flags, s.store_id, s.area_code, r.settled_at"
            " FROM results r JOIN images USING (job_id, image_no) JOIN visits USING (job_id, visit_no)"
            " JOIN stores s USING (store_id) ORDER BY settled_at DESC, job_id DESC, image_no DESC"
        ).fetchall()
    return [
        (str(job_id), image_no)
        for job_id, image_no, flags, store, area, at in rows
        if set(flags) & set(wanted.flags or Flag)
        and (not wanted.area_codes or area in wanted.area_codes)
        and (not wanted.store_ids or store in wanted.store_ids)
        and (not wanted.job_ids or job_id in wanted.job_ids)
        and (wanted.start is None or at >= wanted.start)
        and (wanted.end is None or at < wanted.end)
    ]


async def test_pages_of_every_filter_are_all_its_photos_once_and_the_newest_first(
    database: Database, database_url: str
) -> None:
    fill(database_url, FEW)
    for name, wanted in FILTERS.items():
        whole = expected(database_url, wanted)
        assert bool(whole) == (name not in {"nothing", "a store of another area"}), name
        for limit in (7, 1000):
            assert await places(database, wanted, limit) == whole, (name, limit)


async def test_pages_go_on_where_they_were_while_new_photos_come_and_others_go(database: Database) -> None:
    job_id = await submit(database, [f"http://photos.example/{no}" for no in range(12)])
    await settle(database, [flagged(job_id, no, Flag.DARK) for no in range(1, 9)])
    async with database.connection() as connection:
        page, after = await read_photos(connection, PhotoFilter(), after=None, limit=3)
    assert [photo.image_no for photo in decoded(page)] == [8, 7, 6]
    first = decoded(page)[0]
    assert (first.job_id, first.flags, first.area) == (str(job_id), ["dark"], "7100015")
    await settle(database, [flagged(job_id, no, Flag.DARK) for no in range(9, 12)])
    async with database.transaction() as connection:
        await change_flags(connection, job_id, [4, 6], drop=[Flag.DARK])
    assert [no for _, no in await places(database, PhotoFilter(), 2, after)] == [5, 3, 2, 1]
    change(database, "UPDATE jobs SET status = 'completed', finished_at = now() - interval '1 day'")
    async with database.transaction() as connection:
        await pruning.hide_job(connection, job_id)
    assert await places(database, PhotoFilter(), 2) == []


async def test_a_page_of_long_texts_ends_early_and_the_next_goes_on(database: Database) -> None:
    urls = [f"http://photos.example/{no}/{'x' * 1_500_000}" for no in range(4)]
    job_id = await submit(database, urls)
    await settle(database, [flagged(job_id, no, Flag.DARK) for no in range(1, 5)])
    async with database.connection() as connection:
        page, after = await read_photos(connection, PhotoFilter(), after=None, limit=100)
    assert [photo.image_no for photo in decoded(page)] == [4, 3]
    assert [no for _, no in await places(database, PhotoFilter(), 100, after)] == [2, 1]


MANY = Many(photos=20_000, jobs=40, stores=1_000, areas=50)
PAGE = 50
PAGES_OF_PHOTO = 17
PAGES_OF_RANGE = 15
"""For each flag and key, beside its photos: the way down an index."""
MIDDLE = PhotoPlace(settled_at=datetime(2026, 11, 1, 0, 40, tzinfo=UTC), job_id=UUID(int=0), image_no=0)
COSTS = {
    "all": (PhotoFilter(), 5),
    "a rare flag": (PhotoFilter(flags=(Flag.BLANK,)), 1),
    "an area": (PhotoFilter(area_codes=("A17",)), 5),
    "areas": (PhotoFilter(area_codes=("A17", "A18", "A19"), flags=(Flag.DARK, Flag.SOFT)), 6),
    "a store": (PhotoFilter(store_ids=("S123",)), 5),
    "a job": (PhotoFilter(job_ids=(JOBS[5],), flags=(Flag.DARK,)), 1),
    "a time": (PhotoFilter(start=datetime(2026, 11, 1, 0, 20, tzinfo=UTC), flags=(Flag.DARK,)), 1),
}


@pytest.fixture(scope="module", params=[False, True], ids=["fresh", "analysed"])
def many_url(request: pytest.FixtureRequest, postgres: EmbeddedServer) -> Iterator[str]:
    """A database with 20,000 flagged photos, known to the planner or not."""
    with created(postgres, "template_retailpulse") as url:
        fill(url, MANY, is_analysed=request.param)
        yield url


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("after", [None, MIDDLE], ids=["first", "later"])
async def test_a_page_costs_what_its_photos_cost_however_many_others_there_are(
    many_url: str, name: str, after: PhotoPlace | None
) -> None:
    wanted, ranges = COSTS[name]
    async with Database(many_url, DatabaseSettings()).dedicated() as connection:
        meter = Meter(connection)
        await meter.begin()

        async def read() -> None:
            page, _ = await read_photos(connection, wanted, after=after, limit=PAGE)
            assert len(page) == PAGE or name == "a store"

        await read()
        buffers = await meter.buffers(read)
    assert buffers < PAGES_OF_PHOTO * PAGE + ranges * (PAGES_OF_RANGE + PAGE)
