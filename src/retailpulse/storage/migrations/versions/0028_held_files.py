"""Files that people hand to pages, until they are sent."""

from alembic import op

revision = "0028"
down_revision = "0027"

SCHEMA = """
-- Unlogged: a crash of the server may lose them, and they cost it no log; who handed one in chooses it again.
CREATE UNLOGGED TABLE held_files (
    file_id uuid PRIMARY KEY,
    kind text NOT NULL,
    owner text NOT NULL,
    file_name text NOT NULL,
    size_bytes bigint NOT NULL,
    is_whole boolean NOT NULL DEFAULT false,
    outcome text,
    expires_at timestamptz NOT NULL
);
CREATE INDEX held_files_ends ON held_files (expires_at);
CREATE UNLOGGED TABLE held_parts (
    file_id uuid NOT NULL REFERENCES held_files ON DELETE CASCADE,
    part_no integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (file_id, part_no)
);
-- Most are compressed already, and none lives long.
ALTER TABLE held_parts ALTER content SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Adds the tables."""
    op.execute(SCHEMA)
