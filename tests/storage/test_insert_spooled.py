"""A job from its spool becomes the same rows, to the letter, as the same job from memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.fetch import origin_key
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.jobs import insert_spooled as spooled
from retailpulse.storage.jobs.spool import BLOCK_ROWS, Spool
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.slice_builder import MANY_HOSTS
from tests.storage.jobs import place
from tests.storage.test_insert import ODD
from tests.storage.truth import THRESHOLDS

A, B, C = "http://a/1", "http://a/2", "http://a/3"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPTIONS = JobOptions(
    depth=Depth.HEADER, name="a 'name'", labels={"a": "b\\"}, priority=-7, callback_url="http://b/"
)
JOBS = {
    "one image": [("S", "noon", None, (A,))],
    "copies": [("S", "noon", NOON, (A, B, A)), ("T", "x", None, (B, C, A)), ("S", "noon", NOON, (C,))],
    "unknown stores": [
        ("U", "x", None, (A,)), ("S", "x", NOON, (A, B)), ("U", "x", None, (B, A)), ("T", "y", None, (A,)),
    ],
    "only unknown stores": [("U", "x", None, (A, B)), ("V" * 600, "x", None, (A,))],
    "odd texts": [(odd, odd, None, (odd, f"{odd} {odd}")) for odd in ODD],
    "a copy far from its first": [
        *[("S", str(number), None, (f"http://a/{number}",)) for number in range(1, 1_200)],
        ("T", "x", None, ("http://a/1", B)),
    ],
    "URLs that nobody will ask": [("S", "x", None, ("http:", A, "no url", "//", "no url", "http://", B))],
    "hosts in turn": [("S", "x", None, tuple(f"http://h{number % 3}/{number}" for number in range(700)))],
    "many hosts with few images": [
        ("ST"[number % 2], "x", None, (f"http://h{number}/", f"http://a/{number}", f"http://h{number}/"))
        for number in range(MANY_HOSTS)
    ],
    "more than a block": [
        (("S", "T", "U")[number % 3], str(number), None, (f"http://a/{number % 700}", f"http://b/{number}"))
        for number in range(2 * BLOCK_ROWS + 3)
    ],
}  # fmt: skip
TABLES = {
    "jobs": "status, depth, images, measured, failed, cancelled, name, labels, priority, callback_url,"
    " finished_at IS NULL",
    "visits": "visit_no, store_id, store_known, visit_time, visited_at, first_image_no, images",
    "images": "image_no, visit_no, image_url, same_as",
    "slices": "host_id, tag, rank, image_nos",
    "results": "image_no, outcome, cause, detail, tries",
}
Visits = Sequence[tuple[str, str, datetime | None, tuple[str, ...]]]


def rows(database: Database, job_id: UUID) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(database.url) as connection:
        return {
            table: connection.execute(
                f"SELECT {columns} FROM {table} WHERE job_id = %s ORDER BY 1, 2".encode(), [job_id]
            ).fetchall()
            for table, columns in TABLES.items()
        }


@pytest.mark.parametrize("visits", JOBS.values(), ids=JOBS)
@pytest.mark.slow
async def test_both_ways_write_the_same(database: Database, visits: Visits) -> None:
    submission = Submission(
        visits=tuple(Visit(store_id=s, visit_time=t, visited_at=at, image_urls=u) for s, t, at, u in visits),
        options=OPTIONS,
    )
    in_memory = new_job_id()
    with Spool(None, origin_key) as spool:
        for store_id, visit_time, visited_at, urls in visits:
            spool.begin_visit(store_id, visit_time, visited_at)
            for some in (urls[:1], urls[1:]):
                spool.add_images(some)
        spool.finish()
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO stores VALUES ('S', '1', 'Shop'), ('T', '1', 'Shop')")
            await submitting.insert_job(
                connection, place(in_memory, OPTIONS.priority), submission, origin_key
            )
        first = rows(database, in_memory)
        # Where the other job waits already, this one would be put beside it, whatever its numbers.
        with psycopg.connect(database.url) as rewriting:
            rewriting.execute("DELETE FROM slices")
        async with database.transaction() as connection:
            await spooled.insert_job(connection, place(spool.job_id, OPTIONS.priority), spool, OPTIONS)
    assert rows(database, spool.job_id) == first
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM jobs WHERE job_id = %s", [in_memory])
        connection.execute("INSERT INTO pruned_jobs (job_id) VALUES (%s)", [in_memory])
    assert check_invariants(database.url, THRESHOLDS).findings == ()
