"""Sessions: browsers that have signed in with an API key."""

from alembic import op

revision = "0024"
down_revision = "0023"

SCHEMA = """
-- What the browser holds is random; here is its SHA-256 alone. A session ends with its key.
CREATE TABLE sessions (
    session_sha256 bytea PRIMARY KEY,
    key_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_ends ON sessions (expires_at);
"""


def upgrade() -> None:
    """Adds the table."""
    op.execute(SCHEMA)
