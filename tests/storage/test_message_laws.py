"""Messages that are lost, stray or a silent worker's are found and mended; those on their way are not."""

import pytest

from retailpulse.storage.database import Database
from retailpulse.storage.jobs.cancel import cancel_job
from tests.storage.checking import LIVING, TAKEN, URLS, change, found, mended
from tests.storage.jobs import measured, submit
from tests.storage.settling import settle

LONG_SILENT = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"


async def test_a_lost_message_is_found_without_any_worker_and_sent_again(database: Database) -> None:
    await submit(database, URLS)
    change(database, "DELETE FROM procrastinate_jobs WHERE args->>'chunk_no' <> '1'")
    findings = found(database)
    assert [example.detail for example in findings["chunk_without_message"].examples] == [
        "chunk 0",
        "chunk 2",
    ]
    assert set(findings) == {"chunk_without_message"}
    assert await mended(database) == ["lost messages sent again: 2"]
    assert found(database) == {}


@pytest.mark.parametrize(
    "arguments",
    ["args", """'{"job_id": "00000000-0000-0000-0000-000000000000", "chunk_no": 0}'""", "'[1]'", "'{}'"],
)
async def test_a_message_without_a_chunk_is_found_and_deleted(database: Database, arguments: str) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [measured(job_id, number) for number in range(1, 11)])
    change(database, "DELETE FROM procrastinate_jobs WHERE args->>'chunk_no' <> '1'")
    change(database, f"UPDATE procrastinate_jobs SET args = {arguments}")
    assert found(database) == {}, "no worker lives that could have taken it"
    change(database, LIVING)
    assert found(database)["message_without_chunk"].count == 1
    assert await mended(database) == ["messages without an open chunk deleted: 1"]
    assert found(database) == {}


async def test_a_message_without_a_chunk_may_wait_while_there_is_work(database: Database) -> None:
    done = await submit(database, URLS)
    await settle(database, [measured(done, number) for number in range(1, 11)])
    await submit(database, URLS)
    change(database, LIVING)
    assert found(database) == {}


async def test_a_message_in_work_may_stay_while_its_worker_can_be_at_its_images(database: Database) -> None:
    job_id = await submit(database, URLS)
    change(database, LIVING, TAKEN)
    async with database.transaction() as connection:
        await cancel_job(connection, job_id)
    assert found(database) == {}
    change(database, "UPDATE results SET settled_at = now() - interval '2 minutes'")
    assert found(database)["message_without_chunk"].count == 3


async def test_a_message_of_a_silent_worker_is_found_and_handed_back(database: Database) -> None:
    await submit(database, URLS)
    change(database, LIVING, LONG_SILENT, f"{TAKEN} WHERE args->>'chunk_no' = '2'")
    assert found(database)["message_of_silent_worker"].count == 1
    assert await mended(database) == ["messages of silent workers handed back: 1"]
    assert found(database) == {}
