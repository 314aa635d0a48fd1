"""People decide on photos: the decision that stands, and the history of all for ever."""

from alembic import op

revision = "0022"
down_revision = "0021"

SCHEMA = """
-- A photo that anybody ever decided on. It outlives its job, so it says itself what it is about.
CREATE TABLE reviews (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    -- That of the last entry of its history.
    revision integer NOT NULL CHECK (revision > 0),
    -- What stands; all NULL: everything was undone.
    decision text CHECK (decision IN ('accepted', 'rejected', 'flag_wrong')),
    flag text,
    pair_job_id uuid,
    pair_image_no integer,
    reason text,
    decided_by text,
    decided_at timestamptz,
    store_id text NOT NULL,
    visit_time text NOT NULL,
    image_url text NOT NULL,
    sha256 bytea,
    PRIMARY KEY (job_id, image_no)
);

CREATE TABLE review_history (
    -- The order of entries of all photos.
    entry_id bigint GENERATED ALWAYS AS IDENTITY,
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    revision integer NOT NULL,
    decision text NOT NULL CHECK (decision IN ('accepted', 'rejected', 'flag_wrong', 'undone')),
    -- Of `undone`: the revision of the decision that does not stand any more.
    undoes integer,
    -- The flags of the photo at that time.
    flags text[],
    flag text,
    pair_job_id uuid,
    pair_image_no integer,
    reason text,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (job_id, image_no, revision),
    CHECK ((decision = 'undone') = (undoes IS NOT NULL)),
    CHECK ((pair_job_id IS NULL) = (pair_image_no IS NULL))
);

CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of review_history are never changed or deleted';
END
$$;
CREATE TRIGGER review_history_is_kept BEFORE UPDATE OR DELETE ON review_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

-- The decision that stands, once more: so reports and pages of results look nowhere else.
ALTER TABLE results ADD COLUMN review text;
CREATE INDEX results_reviewed ON results (job_id, image_no) WHERE review IS NOT NULL;
CREATE INDEX results_to_review ON results (job_id, image_no)
    WHERE review IS NULL
      AND flags && ARRAY['copy', 'far_from_store', 'time_mismatch', 'stale', 'blank']::text[];

ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_check, ADD CONSTRAINT api_keys_scopes_check
    CHECK (scopes <@ ARRAY['submit', 'read', 'review', 'admin'] AND scopes <> '{}');
"""


def upgrade() -> None:
    """Adds the tables, the decision beside each result, and the scope of keys."""
    op.execute(SCHEMA)
