"""Images that repeat the URL of an earlier image of their job: it is fetched once and settles them all.

Images of jobs from before have no `same_as`: each of them is still fetched by itself.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

SCHEMA = """
-- The number of the first image of the job with the same URL; NULL where the image is the first itself.
-- A copy is in no chunk's count: its result is written together with that of its first.
ALTER TABLE images ADD COLUMN same_as integer;
CREATE INDEX images_copies ON images (job_id, same_as) WHERE same_as IS NOT NULL;
"""


def upgrade() -> None:
    """Adds the mark and the way to find copies."""
    op.execute(SCHEMA)
