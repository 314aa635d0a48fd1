"""Pictures of a photo are known by the bytes that they were made of, so that they come before its result.

Workers of before must be stopped first: they would not find the key by which they replace a picture.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

SCHEMA = """
-- Of the photo that the picture was made of, as its result has it; empty: written before this was known.
-- Two tries of an image may have got different photos: the result shows the picture of its own.
ALTER TABLE thumbnails ADD COLUMN sha256 bytea NOT NULL DEFAULT '';
ALTER TABLE thumbnails DROP CONSTRAINT thumbnails_pkey;
ALTER TABLE thumbnails ADD PRIMARY KEY (job_id, image_no, kind, sha256);
"""


def upgrade() -> None:
    """Adds the column to the key; pictures of before stay those of their results."""
    op.execute(SCHEMA)
