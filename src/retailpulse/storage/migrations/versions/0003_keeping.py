"""What keeping promises needs: idempotency keys, cancelled images, and jobs on their way out."""

from alembic import op

revision = "0003"
down_revision = "0002"

SCHEMA = """
ALTER TABLE jobs ADD COLUMN cancelled integer NOT NULL DEFAULT 0;
ALTER TABLE jobs DROP CONSTRAINT jobs_check;
ALTER TABLE jobs ADD CHECK (measured + failed + cancelled <= images);
CREATE INDEX jobs_ongoing ON jobs (job_id) WHERE status = 'ongoing';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- Which job a client's key made, and the digest of the request that it was made from.
CREATE TABLE idempotency_keys (
    key text PRIMARY KEY,
    request_sha256 bytea NOT NULL,
    job_id uuid NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (submitted_at);

-- Jobs that are gone for clients already, and whose rows are being deleted in batches.
CREATE TABLE pruned_jobs (
    job_id uuid PRIMARY KEY,
    pruned_at timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    """Adds the tables, the counter and the ways to find jobs by their state and age."""
    op.execute(SCHEMA)
