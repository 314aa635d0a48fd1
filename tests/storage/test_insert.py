"""A submit writes every text as it came, whatever it holds, and in as many blocks as it takes."""

from datetime import UTC, datetime

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.jobs import spool
from retailpulse.storage.postgres.database import Database
from tests.storage.jobs import place, submit

ODD = [
    "http://a/tab\there", "http://a/line\nbreak", "http://a/return\r", "http://a/back\\slash", r"\N", r"\.",
    "\\.\n", "", "http://a/\u2028/\U0001f600", "http://a/quote'\"", "\x01\x7f", r"http://a/\t",
]  # fmt: skip
IMAGES = "SELECT image_url FROM images WHERE job_id = %s ORDER BY image_no"
VISITS = (
    "SELECT visit_no, store_id, store_known, visit_time, visited_at, first_image_no, images"
    " FROM visits WHERE job_id = %s ORDER BY visit_no"
)


async def test_urls_that_copy_would_read_as_more_than_text_are_kept_as_they_are(database: Database) -> None:
    job_id = await submit(database, ODD)
    async with database.connection() as connection:
        found = await (await connection.execute(IMAGES, [job_id])).fetchall()
    assert [url for (url,) in found] == ODD


async def test_visits_keep_their_texts_and_times(database: Database) -> None:
    at = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
    first = datetime(1, 1, 1, tzinfo=UTC)
    visits = [
        *(Visit(store_id=text, visit_time=text, visited_at=None, image_urls=("http://a/1",)) for text in ODD),
        Visit(store_id="S", visit_time="then", visited_at=at, image_urls=("http://a/2", "http://a/3")),
        Visit(store_id="S", visit_time="long ago", visited_at=first, image_urls=("http://a/4",)),
    ]
    job_id = new_job_id()
    submission = Submission(visits=tuple(visits), options=JobOptions(depth=Depth.HEADER))
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO stores VALUES ('S', '1', 'Shop')")
        await submitting.insert_job(connection, place(job_id), submission, origin_key)
        found = await (await connection.execute(VISITS, [job_id])).fetchall()
    count = len(ODD)
    assert found == [
        *((number, text, False, text, None, number, 1) for number, text in enumerate(ODD, 1)),
        (count + 1, "S", True, "then", at, count + 1, 2),
        (count + 2, "S", True, "long ago", first, count + 3, 1),
    ]


async def test_a_job_of_more_rows_than_a_block_has_them_all_in_order(database: Database) -> None:
    count = 2 * spool.BLOCK_ROWS + 1
    urls = [f"http://a/{number}" for number in range(count)]
    visits = (Visit(store_id="S", visit_time=url, visited_at=None, image_urls=(url,)) for url in urls)
    job_id = new_job_id()
    submission = Submission(visits=tuple(visits), options=JobOptions(depth=Depth.HEADER))
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO stores VALUES ('S', '1', 'Shop')")
        await submitting.insert_job(connection, place(job_id), submission, origin_key)
        images = await (await connection.execute(IMAGES, [job_id])).fetchall()
        found = await (await connection.execute(VISITS, [job_id])).fetchall()
    assert [url for (url,) in images] == urls
    assert [(visit_no, time, first) for visit_no, _, _, time, _, first, _ in found] == [
        (number, url, number) for number, url in enumerate(urls, 1)
    ]
