"""The row of a delivery is all there is of it: the messages beside those that are due are gone.

With them go the tables of procrastinate, which older programs made in 0001 and kept all their messages in.
Workers of before must be stopped first: they take a delivery only if a message names it.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

SCHEMA = """
-- As 0007 has it now; in older programs it sent a message too.
CREATE OR REPLACE FUNCTION write_delivery(ended jobs) RETURNS void LANGUAGE sql AS $$
    INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job)
    SELECT ended.job_id, coalesce(max(delivery_no), 0) + 1, ended.callback_url,
        coalesce(ended.finished_at, now()), to_jsonb(ended)
    FROM deliveries WHERE job_id = ended.job_id
$$;
DROP FUNCTION IF EXISTS send_delivery_messages;

-- Which functions there are depends on the version that made them.
DO $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY(
        SELECT format('DROP TABLE %s CASCADE', oid::regclass) FROM pg_class
        WHERE starts_with(relname, 'procrastinate_') AND relkind = 'r'
          AND relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s', oid::regprocedure) FROM pg_proc
        WHERE starts_with(proname, 'procrastinate_') AND pronamespace = current_schema()::regnamespace
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %s', oid::regtype) FROM pg_type
        WHERE starts_with(typname, 'procrastinate_') AND typtype IN ('c', 'e')
          AND typnamespace = current_schema()::regnamespace)
    LOOP
        EXECUTE command;
    END LOOP;
END
$$;
"""


def upgrade() -> None:
    """Takes the messages away, and what they were kept in."""
    op.execute(SCHEMA)
