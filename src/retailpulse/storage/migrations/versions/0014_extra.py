"""What senders want back with their results, and how many visits of a job are at no known time."""

from alembic import op

revision = "0014"
down_revision = "0013"

SCHEMA = """
-- The sender's own columns of an image: a JSON object of texts, as it was sent. NULL, as nearly always, takes
-- no room.
ALTER TABLE images ADD COLUMN extra json;

-- Visits whose time names no instant. Of jobs of older programs it is not known, and 0.
ALTER TABLE jobs ADD COLUMN visits_without_time integer NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    """Adds the columns."""
    op.execute(SCHEMA)
