"""The traces of jobs whose submits were recorded."""

from alembic import op

revision = "0029"
down_revision = "0028"

SCHEMA = """
-- Null for nearly all jobs, which costs a row nothing.
ALTER TABLE jobs ADD COLUMN traceparent text;
"""


def upgrade() -> None:
    """Adds the column."""
    op.execute(SCHEMA)
