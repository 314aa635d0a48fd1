"""Photos by their fingerprints, what waits to be looked for among them, and the matches that were found.

Of images that were settled before, none is known: only analysing them again can tell their fingerprints.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

SCHEMA = """
-- What the settle leaves: measured images that are not known yet, some of one job in a row. `fingerprints`
-- is a list in MessagePack, in the order of the images; one alone is that of all of them.
CREATE TABLE fingerprint_queue (
    batch_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    image_nos integer[] NOT NULL CHECK (cardinality(image_nos) > 0),
    fingerprints bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Hashes cannot be compressed, and trying to costs the settle.
ALTER TABLE fingerprint_queue ALTER COLUMN fingerprints SET STORAGE EXTERNAL;
ALTER TABLE fingerprint_queue ALTER COLUMN image_nos SET STORAGE EXTERNAL;

-- Known photos for which earlier ones are still to be looked for. `after` is where a search goes on that
-- found more later ones than it may look at in one turn. `is_anew`: its matches may be
-- wrong. A photo may wait several times, so that nobody who puts one here waits for anybody.
CREATE TABLE match_queue (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    after bigint,
    is_anew boolean NOT NULL DEFAULT false,
    search_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX match_queue_photo ON match_queue (job_id, image_no);

-- When the job was submitted, in 4 ms since 1970, and the number of the image: what is earlier is smaller.
CREATE FUNCTION photo_place(submitted_at timestamptz, image_no integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM submitted_at) * 250)::bigint << 23 | least(image_no, 8388607)
$$;

-- Photos of the window. `visit_key` is the same for visits to one store at one time, whatever their jobs.
CREATE TABLE known_photos (
    photo_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    place bigint NOT NULL,
    visit_key bigint NOT NULL,
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    visit_no integer NOT NULL,
    store_id text NOT NULL,
    sha256 bytea,
    fingerprint bytea,
    UNIQUE (job_id, image_no)
);
CREATE INDEX known_photos_place ON known_photos (place);
CREATE INDEX known_photos_sha256 ON known_photos (sha256, place) WHERE sha256 IS NOT NULL;

-- Each hash of a fingerprint, with its keys: each search is along an index, the earliest photos first.
CREATE TABLE fingerprints (
    photo_id bigint NOT NULL,
    place bigint NOT NULL,
    hash bit(256) NOT NULL,
    {columns}
);
CREATE INDEX fingerprints_photo ON fingerprints (photo_id);
{indexes}

-- A photo and the earliest one that it is most like. What is asked for in lists is repeated here.
CREATE TABLE photo_matches (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    earlier_job_id uuid NOT NULL,
    earlier_image_no integer NOT NULL,
    place bigint NOT NULL,
    earlier_place bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('same_file', 'copy', 'same_scene')),
    relation text NOT NULL CHECK (relation IN ('same_visit', 'same_store', 'other_store')),
    distance smallint NOT NULL,
    is_flagged boolean NOT NULL,
    store_id text NOT NULL,
    settled_at timestamptz NOT NULL,
    PRIMARY KEY (job_id, image_no),
    CHECK ((earlier_place, earlier_job_id, earlier_image_no) < (place, job_id, image_no))
) WITH (fillfactor = 90);
CREATE INDEX photo_matches_earlier ON photo_matches (earlier_job_id, earlier_image_no);
CREATE INDEX photo_matches_newest ON photo_matches (settled_at, job_id, image_no);
CREATE INDEX photo_matches_store ON photo_matches (store_id, settled_at, job_id, image_no);

-- Pairs that a person told apart, the smaller key first: they are never matched again.
CREATE TABLE photo_pairs_apart (
    job_id_a uuid NOT NULL,
    image_no_a integer NOT NULL,
    job_id_b uuid NOT NULL,
    image_no_b integer NOT NULL,
    PRIMARY KEY (job_id_a, image_no_a, job_id_b, image_no_b)
);
"""
BANDS = 10


def upgrade() -> None:
    """Makes the tables; a hash has as many keys as `domain.fingerprints` has bands."""
    names = [f"k{band}" for band in range(1, BANDS + 1)]
    columns = ",\n    ".join(f"{name} integer NOT NULL" for name in names)
    indexes = "\n".join(
        f"CREATE INDEX fingerprints_{name} ON fingerprints ({name}, place);" for name in names
    )
    op.execute(SCHEMA.format(columns=columns, indexes=indexes))
