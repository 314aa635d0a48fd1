"""What is kept for /metrics: sums of what was settled, and what each process reports."""

from alembic import op

revision = "0009"
down_revision = "0008"

SCHEMA = """
-- Images that were settled in minutes that are kept no more, by how they ended.
CREATE TABLE settled_totals (
    outcome text NOT NULL,
    cause text NOT NULL,
    depth text NOT NULL,
    images bigint NOT NULL,
    PRIMARY KEY (outcome, cause, depth)
);

INSERT INTO settled_totals (outcome, cause, depth, images)
SELECT r.outcome, coalesce(r.cause, ''), j.depth, count(*)
FROM results r JOIN jobs j USING (job_id)
GROUP BY 1, 2, 3;

-- Every process that reports, and the sums of what it has measured since its start. Lost: it fell silent
-- without saying goodbye, `losses` times; it may wake up and report again.
CREATE TABLE processes (
    process_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('api', 'worker')),
    seen_at timestamptz NOT NULL DEFAULT now(),
    suspected_at timestamptz,
    lost_at timestamptz,
    ended_at timestamptz,
    losses integer NOT NULL DEFAULT 0,
    in_flight integer NOT NULL DEFAULT 0,
    sums jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- The sums of processes that are no more.
CREATE TABLE ended_sums (
    kind text NOT NULL,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (kind, name)
);
"""


def upgrade() -> None:
    """Adds the tables, and counts what is settled already."""
    op.execute(SCHEMA)
