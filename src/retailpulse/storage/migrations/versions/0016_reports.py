"""What reports read by: visits of all stores in the order of their times, and jobs by their names."""

from alembic import op

revision = "0016"
down_revision = "0015"

SCHEMA = """
CREATE INDEX visits_time ON visits
    (coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no) WHERE store_known;
CREATE INDEX jobs_name ON jobs (name) WHERE name IS NOT NULL;
"""


def upgrade() -> None:
    """Adds the indexes."""
    op.execute(SCHEMA)
