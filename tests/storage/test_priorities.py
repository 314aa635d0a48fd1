"""The order of messages: the priority of a job first, whatever its chunks, then the first chunks of each."""

from uuid import UUID

from retailpulse.storage import queue
from retailpulse.storage.database import Database
from tests.storage.ended import rows
from tests.storage.jobs import KNOWN, submit_visits

URLS = [f"http://photos.example/{number}.png" for number in range(4)]
ORDER = (
    "SELECT (args->>'job_id')::uuid, (args->>'chunk_no')::int FROM procrastinate_jobs"
    " ORDER BY priority DESC, id"
)


async def test_a_higher_priority_goes_first_and_among_equals_the_first_chunks(database: Database) -> None:
    low, one, two, high = [
        await submit_visits(database, (KNOWN[0], URLS), chunk_images=2, priority=priority)
        for priority in (-100, 0, 0, 100)
    ]
    expected: list[tuple[UUID, int]] = [
        (high, 0), (high, 1), (one, 0), (two, 0), (one, 1), (two, 1), (low, 0), (low, 1),
    ]  # fmt: skip
    assert rows(database, ORDER) == expected


async def test_a_message_that_was_lost_comes_again_with_the_priority_of_its_job(database: Database) -> None:
    for priority in (0, 100, -3):
        await submit_visits(database, (KNOWN[0], URLS), chunk_images=2, priority=priority)
    before = rows(database, ORDER)
    app = queue.make_app()
    async with app.open_async(database.pool), database.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        lost, _ = await queue.find_chunks_without_message(connection)
        await queue.send_lost(app, connection, lost)
    assert rows(database, ORDER) == before
