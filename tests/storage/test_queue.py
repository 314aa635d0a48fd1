"""The queue's tables: what the sweep gives back, sends again, and removes."""

from typing import LiteralString
from uuid import UUID

from procrastinate.jobs import Job

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage import queue, results
from retailpulse.storage.database import Database
from tests.storage.jobs import measured, submit

URLS = [f"http://photos.example/{number}.png" for number in range(10)]
STALE_SECONDS = 10.0


async def rows(database: Database, query: LiteralString) -> list[tuple[object, ...]]:
    async with database.connection() as connection:
        return await (await connection.execute(query)).fetchall()


async def run(database: Database, statement: LiteralString) -> None:
    async with database.connection() as connection:
        await connection.execute(statement)


async def claim(database: Database) -> Job:
    """Takes the next message as a worker does that was only just started."""
    app = queue.make_app()
    async with app.open_async(database.pool):
        worker_id = await app.job_manager.register_worker()
        message = await app.job_manager.fetch_job(queues=[queue.QUEUE], worker_id=worker_id)
    assert message is not None
    return message


async def resend(database: Database) -> list[ChunkKey]:
    app = queue.make_app()
    async with app.open_async(database.pool), database.transaction() as connection:
        lost, _ = await queue.find_chunks_without_message(connection)
        await queue.send_lost(app, connection, lost)
    return [chunk.key for chunk in lost]


async def hand_back_stalled(database: Database) -> int:
    async with database.connection() as connection:
        return await queue.hand_back_stalled(connection, STALE_SECONDS)


async def test_a_message_of_a_living_worker_is_left_alone(database: Database) -> None:
    await submit(database, URLS)
    await claim(database)
    assert await hand_back_stalled(database) == 0


async def test_a_message_of_a_silent_worker_goes_back_and_is_claimed_first_again(database: Database) -> None:
    await submit(database, URLS)
    message = await claim(database)
    await run(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '11 s'")
    assert await hand_back_stalled(database) == 1
    assert (await claim(database)).id == message.id


async def test_a_message_of_a_worker_that_nobody_knows_any_more_goes_back(database: Database) -> None:
    await submit(database, URLS)
    message = await claim(database)
    await run(database, "DELETE FROM procrastinate_workers")
    assert await hand_back_stalled(database) == 1
    assert (await claim(database)).id == message.id


async def test_a_message_that_another_worker_has_by_now_is_not_taken_from_it(database: Database) -> None:
    await submit(database, URLS)
    ours = await claim(database)
    await run(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '11 s'")
    await hand_back_stalled(database)
    theirs = await claim(database)
    assert theirs.id == ours.id
    async with database.connection() as connection:
        assert await queue.hand_back(connection, [ours]) == 0
        assert await queue.hand_back(connection, [theirs]) == 1


async def test_open_chunks_without_a_message_get_one(database: Database) -> None:
    job_id = await submit(database, URLS)
    assert await resend(database) == []
    await run(database, "TRUNCATE procrastinate_jobs CASCADE")
    assert sorted(await resend(database), key=lambda key: key.chunk_no) == chunks(job_id, 0, 1, 2)
    assert await resend(database) == []
    assert await rows(database, "SELECT count(*) FROM procrastinate_jobs") == [(3,)]


async def test_chunks_that_are_done_get_no_message(database: Database) -> None:
    job_id = await submit(database, URLS)
    await run(database, "TRUNCATE procrastinate_jobs CASCADE")
    async with database.transaction() as connection:
        await results.settle(connection, [measured(job_id, number) for number in (1, 2, 3, 4, 9)])
    assert sorted(await resend(database), key=lambda key: key.chunk_no) == chunks(job_id, 1, 2)


async def test_a_message_in_work_counts_as_one(database: Database) -> None:
    await submit(database, URLS)
    await claim(database)
    assert await resend(database) == []


async def test_the_messages_in_work_are_told_with_who_holds_them(database: Database) -> None:
    await submit(database, URLS)
    claimed = await claim(database)
    async with database.connection() as connection:
        assert await queue.messages_in_work(connection) == [claimed.evolve(status="doing")]


async def test_messages_that_the_queues_worker_cannot_read_are_removed(database: Database) -> None:
    await submit(database, URLS[:1])
    await run(
        database,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES"
        " ('chunks', 'work_on_chunk', '[]'), ('chunks', 'work_on_chunk', 'null'),"
        " ('of somebody else', 'work', '7')",
    )
    async with database.connection() as connection:
        assert await queue.drop_unreadable(connection) == 2
    assert await rows(database, "SELECT queue_name FROM procrastinate_jobs ORDER BY id") == [
        ("chunks",),
        ("of somebody else",),
    ]


async def test_the_first_chunks_of_a_small_new_job_go_before_the_later_ones_of_a_big_old_one(
    database: Database,
) -> None:
    big = await submit(database, URLS)
    small = await submit(database, URLS[:4])
    order = [queue.chunk_key((await claim(database)).task_kwargs) for _ in range(4)]
    assert order == [*chunks(big, 0), *chunks(small, 0), *chunks(big, 1, 2)]


async def test_one_sweep_runs_at_a_time(database: Database) -> None:
    async with database.transaction() as first:
        assert await queue.lock_sweep(first)
        async with database.transaction() as second:
            assert not await queue.lock_sweep(second)
    async with database.transaction() as third:
        assert await queue.lock_sweep(third)


def chunks(job_id: UUID, *numbers: int) -> list[ChunkKey]:
    return [ChunkKey(job_id=job_id, chunk_no=number) for number in numbers]
