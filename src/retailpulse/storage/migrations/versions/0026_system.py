"""What the pages about the system show: who each process is and what it does, callbacks by state, checks."""

from alembic import op

revision = "0026"
down_revision = "0025"

SCHEMA = """
-- Where a process runs, since when, and what it has in hand: written with its other reports.
ALTER TABLE processes
    ADD COLUMN started_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN machine text NOT NULL DEFAULT '',
    ADD COLUMN pid integer NOT NULL DEFAULT 0,
    ADD COLUMN version text NOT NULL DEFAULT '',
    ADD COLUMN doing jsonb NOT NULL DEFAULT '{}';

-- Callbacks of all jobs by their state, the last end first.
CREATE INDEX deliveries_state ON deliveries (state, ended_at, job_id, delivery_no);

-- Checks of the invariants that were begun by a page. One whose process is silent has been broken off.
CREATE TABLE checks (
    check_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    began_at timestamptz NOT NULL DEFAULT now(),
    begun_by text NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT now(),
    done integer NOT NULL DEFAULT 0,
    total integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    failure text,
    report jsonb
);
CREATE UNIQUE INDEX checks_one_at_a_time ON checks ((true)) WHERE ended_at IS NULL;
"""


def upgrade() -> None:
    """Adds columns, an index and a table."""
    op.execute(SCHEMA)
