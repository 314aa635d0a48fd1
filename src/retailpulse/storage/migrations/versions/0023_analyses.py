"""Results tell which analyzers looked at a photo, and jobs may look again at photos of other jobs.

No result of before has a version, so that the first analysis looks at all of them. Workers of before must be
stopped first: they would settle an analysis as a job of its own, and leave what it is about as it is.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

SCHEMA = """
-- The versions of all analyzers that looked at the photo, six bits for each; NULL: none did.
ALTER TABLE results ADD COLUMN analyzed bigint;

-- Whether the job is an analysis: its images are photos of other jobs, and it has no visits.
ALTER TABLE jobs ADD COLUMN is_analysis boolean NOT NULL DEFAULT false;
-- The versions of the analyzers that it was made for, as in results: where it failed they fail again.
ALTER TABLE jobs ADD COLUMN analysis_versions bigint;
CREATE INDEX jobs_analyses ON jobs (status) WHERE is_analysis;

-- The photo that an image of an analysis is, and what became of it there: NULL while it is not measured.
CREATE TABLE analysis_images (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    of_job_id uuid NOT NULL,
    of_image_no integer NOT NULL,
    became text CHECK (became IN ('analyzed', 'changed', 'gone')),
    PRIMARY KEY (job_id, image_no)
);
-- Those that wait, were cancelled or have failed.
CREATE INDEX analysis_images_open ON analysis_images (of_job_id, of_image_no) WHERE became IS NULL;
"""


def upgrade() -> None:
    """Adds the columns and the table; no row is written anew."""
    op.execute(SCHEMA)
