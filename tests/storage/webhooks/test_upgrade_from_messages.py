"""The upgrade from messages: deliveries that waited for theirs are tried by the time in their row alone."""

import psycopg

from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.webhooks.deliveries import lease_due
from tests.storage.postgres.test_migrate import upgrade_to

ENDED_JOB = """
    INSERT INTO jobs (job_id, status, depth, images, failed, callback_url, finished_at)
    VALUES (gen_random_uuid(), 'failed', 'header', 1, 1, 'http://hooks.example/', now())
    RETURNING job_id
"""


async def test_a_delivery_whose_message_was_not_taken_or_was_lost_is_due(empty_url: str) -> None:
    upgrade_to(empty_url, "0011")
    with psycopg.connect(empty_url) as connection:
        ended = {connection.execute(ENDED_JOB).fetchone() for _ in range(2)}
        connection.execute(
            "DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs)"
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        ended.add(connection.execute(ENDED_JOB).fetchone())
        assert connection.execute("SELECT FROM procrastinate_jobs").fetchall() == []
    async with Database(empty_url, DatabaseSettings()) as database, database.connection() as connection:
        due = await lease_due(connection, {}, room=9, share=9, seconds=60.0)
    assert {(one.key.job_id,) for one in due} == ended
