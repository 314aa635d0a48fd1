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


QUEUE = """
    CREATE TYPE procrastinate_job_status AS ENUM ('todo', 'doing');
    CREATE TYPE procrastinate_job_to_defer_v1 AS (queue_name text, args jsonb);
    CREATE TABLE procrastinate_jobs (
        id bigserial PRIMARY KEY, queue_name text, args jsonb,
        status procrastinate_job_status DEFAULT 'todo');
    CREATE TABLE procrastinate_events (
        id bigserial PRIMARY KEY, job_id bigint NOT NULL REFERENCES procrastinate_jobs ON DELETE CASCADE);
    CREATE FUNCTION procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[]) RETURNS void
    LANGUAGE sql AS $$
        INSERT INTO procrastinate_jobs (queue_name, args) SELECT queue_name, args FROM unnest($1)
    $$;
    CREATE FUNCTION procrastinate_fetch_job_v2(character varying[]) RETURNS procrastinate_jobs
    LANGUAGE sql AS $$
        SELECT * FROM procrastinate_jobs LIMIT 1
    $$;
    CREATE FUNCTION procrastinate_note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO procrastinate_events (job_id) VALUES (NEW.id); RETURN NULL; END $$;
    CREATE TRIGGER procrastinate_noted AFTER INSERT ON procrastinate_jobs
        FOR EACH ROW EXECUTE FUNCTION procrastinate_note();
    CREATE FUNCTION send_delivery_messages(uuid[], integer[]) RETURNS void LANGUAGE sql AS $$
        SELECT procrastinate_defer_jobs_v1(array_agg(
            ROW('deliveries', jsonb_build_object('job_id', job_id))::procrastinate_job_to_defer_v1))
        FROM unnest($1, $2) AS wanted (job_id, delivery_no)
    $$;
    CREATE OR REPLACE FUNCTION write_delivery(ended jobs) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job)
        VALUES (ended.job_id, 1, ended.callback_url, now(), to_jsonb(ended));
        PERFORM send_delivery_messages(ARRAY[ended.job_id], ARRAY[1]);
    END $$;
"""
"""What an older program has in its database: here with a small part of each kind of object."""
LEFT = """
    SELECT relname FROM pg_class WHERE relname LIKE 'procrastinate%'
    UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%' OR proname LIKE 'send_delivery%'
    UNION ALL SELECT typname FROM pg_type WHERE typname LIKE '%procrastinate%'
"""


async def test_a_delivery_whose_message_was_not_taken_or_was_lost_is_due(empty_url: str) -> None:
    upgrade_to(empty_url, "0011")
    with psycopg.connect(empty_url) as connection:
        connection.execute(QUEUE)
        ended = {connection.execute(ENDED_JOB).fetchone() for _ in range(2)}
        connection.execute(
            "DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs)"
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        ended.add(connection.execute(ENDED_JOB).fetchone())
        assert connection.execute(LEFT).fetchall() == []
    async with Database(empty_url, DatabaseSettings()) as database, database.connection() as connection:
        due = await lease_due(connection, {}, room=9, share=9, seconds=60.0)
    assert {(one.key.job_id,) for one in due} == ended
