"""What workers had in hand when they were lost is noted; images that were there twice wait in quarantine."""

from alembic import op

revision = "0011"
down_revision = "0010"

SCHEMA = """
-- The process that a worker is, which goes on under new ids, and whether it was told to stop.
ALTER TABLE workers
    ADD COLUMN process uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN is_stopping boolean NOT NULL DEFAULT false;

-- Images of ongoing jobs that a process had in hand when it was lost: a row for each of its grants.
CREATE TABLE losses (
    process uuid NOT NULL,
    job_id uuid NOT NULL,
    image_nos integer[] NOT NULL,
    lost_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX losses_job ON losses (job_id);

-- Where images wait that are tried one by one, each in a process of its own. Each worker has one slot.
INSERT INTO hosts (host_id, origin, cap) VALUES (0, '(quarantine)', 1000);
"""


def upgrade() -> None:
    """Adds the table, and the place where images wait in quarantine."""
    op.execute(SCHEMA)
