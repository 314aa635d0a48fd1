"""What clients may say of a job, and what a retry needs: the outcomes that it takes back stay readable."""

from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMA = """
ALTER TABLE jobs
    ADD COLUMN name text,
    ADD COLUMN labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    ADD COLUMN callback_url text,
    -- How often the job was retried, when last, and how many images had a result just after that.
    ADD COLUMN retries integer NOT NULL DEFAULT 0,
    ADD COLUMN retried_at timestamptz,
    ADD COLUMN retried_from integer NOT NULL DEFAULT 0;
-- Jobs without labels cost it nothing; a search says labels <> '{}' too, so that it is used.
CREATE INDEX jobs_labels ON jobs USING gin (labels jsonb_path_ops) WHERE labels <> '{}';

-- Results that a retry took back, by the number of that retry.
CREATE TABLE earlier_results (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    retry_no integer NOT NULL,
    outcome text NOT NULL,
    cause text NOT NULL,
    detail text,
    tries smallint NOT NULL,
    settled_at timestamptz NOT NULL,
    PRIMARY KEY (job_id, image_no, retry_no)
);

-- An image whose store the master did not know before the retry of this number; NULL where it did at the
-- submit. Its chunk has the same number: such images stand anywhere between the others.
ALTER TABLE images ADD COLUMN since_retry integer;
ALTER TABLE chunks ADD COLUMN since_retry integer NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    """Adds the columns and the table of earlier results."""
    op.execute(SCHEMA)
