"""What lists can be filtered by besides: the name of a job, and what is suspect among the results of one."""

from alembic import op

revision = "0015"
down_revision = "0013"

SCHEMA = """
CREATE INDEX jobs_names ON jobs (name, status, submitted_at, job_id) WHERE name IS NOT NULL;
CREATE INDEX results_suspect ON results (job_id, image_no) WHERE suspect IS NOT NULL;
"""


def upgrade() -> None:
    """Adds the indexes; that of the results reads all of them."""
    op.execute(SCHEMA)
