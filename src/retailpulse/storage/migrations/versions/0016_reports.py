"""What reports read by: visits of all stores in the order of their times."""

from alembic import op

revision = "0016"
down_revision = "0015"

SCHEMA = """
CREATE INDEX visits_time ON visits
    (coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no) WHERE store_known;
"""


def upgrade() -> None:
    """Adds the index."""
    op.execute(SCHEMA)
