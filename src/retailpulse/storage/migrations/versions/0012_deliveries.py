"""The row of a delivery is all there is of it: the messages that named those that are due are gone.

Workers of before must be stopped first: they take a delivery only if a message names it.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

SCHEMA = """
-- The job's row is locked by who ended it, so that nobody else takes the same number.
CREATE OR REPLACE FUNCTION write_delivery(ended jobs) RETURNS void LANGUAGE sql AS $$
    INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job)
    SELECT ended.job_id, coalesce(max(delivery_no), 0) + 1, ended.callback_url,
        coalesce(ended.finished_at, now()), to_jsonb(ended)
    FROM deliveries WHERE job_id = ended.job_id
$$;
DROP FUNCTION send_delivery_messages;
DELETE FROM procrastinate_jobs;
"""


def upgrade() -> None:
    """Takes the messages away."""
    op.execute(SCHEMA)
