"""A small picture of each photo is kept for people to look at, a larger one of a flagged photo."""

from alembic import op

revision = "0019"
down_revision = "0018"

SCHEMA = """
-- Of images that share a URL with an earlier one of their job, only that one has any.
CREATE TABLE thumbnails (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    kind text NOT NULL,
    width smallint NOT NULL,
    height smallint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    jpeg bytea NOT NULL,
    PRIMARY KEY (job_id, image_no, kind)
);
-- A JPEG cannot be compressed any more.
ALTER TABLE thumbnails ALTER COLUMN jpeg SET STORAGE EXTERNAL;
CREATE INDEX thumbnails_age ON thumbnails (kind, made_at);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(SCHEMA)
