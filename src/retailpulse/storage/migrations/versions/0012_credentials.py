"""Credentials of jobs for photo hosts, sealed with a key that is not in the database, until the job ends."""

from alembic import op

revision = "0012"
down_revision = "0011"

SCHEMA = """
-- Whether the job came with credentials of its own, which are gone once it has ended.
ALTER TABLE jobs ADD COLUMN has_credentials boolean NOT NULL DEFAULT false;

CREATE TABLE job_credentials (
    job_id uuid PRIMARY KEY,
    sealed bytea NOT NULL
);
"""


def upgrade() -> None:
    """Adds the table and the column."""
    op.execute(SCHEMA)
