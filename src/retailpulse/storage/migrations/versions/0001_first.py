"""The first schema: stores, jobs, visits, images, results, chunks.

Every key of a job's rows begins with job_id, so that the tables can be partitioned by it. There are no
foreign keys among them: results are checked once, where they are settled, not row by row.
"""

from alembic import op

revision = "0001"
down_revision = None

SCHEMA = """
CREATE TABLE stores (
    store_id text PRIMARY KEY,
    area_code text NOT NULL,
    store_name text NOT NULL
);
CREATE INDEX stores_area ON stores (area_code, store_id);

CREATE TABLE jobs (
    job_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('ongoing', 'completed', 'failed', 'cancelled')),
    depth text NOT NULL CHECK (depth IN ('header', 'download', 'decode')),
    images integer NOT NULL CHECK (images > 0),
    measured integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CHECK (measured + failed <= images)
) WITH (fillfactor = 50);

CREATE TABLE visits (
    job_id uuid NOT NULL,
    visit_no integer NOT NULL,
    store_id text NOT NULL,
    store_known boolean NOT NULL,
    visit_time text NOT NULL,
    visited_at timestamptz,
    first_image_no integer NOT NULL,
    images integer NOT NULL,
    PRIMARY KEY (job_id, visit_no)
);
-- Only ids of the store master are indexed: those have a length that fits an index row.
CREATE INDEX visits_store ON visits
    (store_id, coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no) WHERE store_known;

CREATE TABLE images (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    visit_no integer NOT NULL,
    image_url text NOT NULL,
    PRIMARY KEY (job_id, image_no)
);

CREATE TABLE results (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('measured', 'failed', 'cancelled')),
    cause text,
    detail text,
    format text,
    width integer,
    height integer,
    displayed_width integer,
    displayed_height integer,
    perimeter bigint GENERATED ALWAYS AS (2 * (width::bigint + height)) STORED,
    size_bytes bigint,
    sha256 bytea,
    suspect text,
    tries smallint NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, image_no),
    CHECK ((outcome = 'measured') = (cause IS NULL)),
    CHECK ((outcome = 'measured') = (width IS NOT NULL))
);
CREATE INDEX results_failures ON results (job_id, image_no) WHERE cause IS NOT NULL;

-- A range of a job's images that is worked on together. `images` counts those that were not settled
-- at the submit, `settled` those settled since; the chunk is done when they are equal.
CREATE TABLE chunks (
    job_id uuid NOT NULL,
    chunk_no integer NOT NULL,
    first_image_no integer NOT NULL,
    last_image_no integer NOT NULL,
    images integer NOT NULL,
    settled integer NOT NULL DEFAULT 0 CHECK (settled <= images),
    PRIMARY KEY (job_id, chunk_no)
) WITH (fillfactor = 70);
CREATE INDEX chunks_open ON chunks (job_id, chunk_no) WHERE settled < images;
"""


def upgrade() -> None:
    """Makes all tables."""
    op.execute(SCHEMA)
