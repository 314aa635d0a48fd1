"""API keys, each by its id, with a hash of its secret."""

from alembic import op

revision = "0006"
down_revision = "0005"

SCHEMA = """
CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['submit', 'read', 'admin'] AND scopes <> '{}'),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    -- Written now and then, not with each request.
    last_used_at timestamptz
);
"""


def upgrade() -> None:
    """Adds the keys; that none was ever made is what leaves a service on loopback open."""
    op.execute(SCHEMA)
