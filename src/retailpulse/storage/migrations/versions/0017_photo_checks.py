"""Results tell what the pixels and the EXIF data of a photo say, and what it is flagged for."""

from alembic import op

revision = "0017"
down_revision = "0016"

SCHEMA = """
ALTER TABLE results
    ADD COLUMN flags text[],
    ADD COLUMN sharpness double precision,
    ADD COLUMN brightness double precision,
    ADD COLUMN brightness_p5 smallint,
    ADD COLUMN brightness_p50 smallint,
    ADD COLUMN brightness_p95 smallint,
    ADD COLUMN brightness_p99 smallint,
    ADD COLUMN contrast smallint,
    ADD COLUMN blown double precision,
    ADD COLUMN content double precision,
    ADD COLUMN taken_at text,
    ADD COLUMN clock text,
    ADD COLUMN latitude double precision,
    ADD COLUMN longitude double precision,
    ADD COLUMN camera_make text,
    ADD COLUMN camera_model text,
    ADD COLUMN software text;

CREATE INDEX results_flagged ON results (job_id, image_no) WHERE flags IS NOT NULL;
"""


def upgrade() -> None:
    """Adds the columns; results of before have none of it."""
    op.execute(SCHEMA)
