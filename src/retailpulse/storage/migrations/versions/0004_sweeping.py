"""What the sweep needs so that its cost does not grow with the backlog: the message of a chunk by index."""

from alembic import op

revision = "0004"
down_revision = "0003"

SCHEMA = """
CREATE INDEX procrastinate_jobs_chunk ON procrastinate_jobs ((args->>'job_id'), (args->>'chunk_no'));
-- Nearly always empty, which the planner learns from the statistics.
CREATE INDEX procrastinate_jobs_unreadable ON procrastinate_jobs (queue_name, (jsonb_typeof(args)))
    WHERE jsonb_typeof(args) <> 'object';
CREATE STATISTICS procrastinate_jobs_readable ON (jsonb_typeof(args)) FROM procrastinate_jobs;
"""


def upgrade() -> None:
    """Adds the two ways to find messages."""
    op.execute(SCHEMA)
