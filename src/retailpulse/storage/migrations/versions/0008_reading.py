"""What reading needs so that no list or count gets slow: four indexes, and counters of what was settled."""

from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = """
CREATE INDEX jobs_newest ON jobs (status, submitted_at, job_id);
-- By the hash of their ids, which may be too long for an index; whoever looks compares the id too.
CREATE INDEX visits_unknown_store ON visits (hashtextextended(store_id, 0), job_id) WHERE NOT store_known;
-- For searches by how an id or a name begins, in whatever case; bytewise, whatever the database sorts by.
CREATE INDEX stores_folded_id ON stores (lower(store_id) COLLATE "C", store_id);
CREATE INDEX stores_folded_name ON stores (lower(left(store_name, 200)) COLLATE "C", store_id);

-- How many results were written in a minute, and the bytes of their files: a row for each session that
-- wrote some, so that no two ever wait for each other. `cause` is empty where the image was measured.
CREATE TABLE settled_minutes (
    minute timestamptz NOT NULL,
    session integer NOT NULL,
    outcome text NOT NULL,
    cause text NOT NULL,
    depth text NOT NULL,
    images bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (minute, session, outcome, cause, depth)
) WITH (fillfactor = 50);

-- Whoever writes results, and however, is counted in the same transaction.
CREATE FUNCTION count_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO settled_minutes AS known (minute, session, outcome, cause, depth, images, bytes)
    SELECT date_trunc('minute', now()), pg_backend_pid(), n.outcome, n.cause, j.depth, sum(n.images),
        sum(n.bytes)
    FROM (
        SELECT job_id, outcome, coalesce(cause, '') AS cause, count(*) AS images,
            coalesce(sum(size_bytes), 0) AS bytes
        FROM settled GROUP BY 1, 2, 3) n
    JOIN jobs j USING (job_id)
    GROUP BY n.outcome, n.cause, j.depth
    ON CONFLICT (minute, session, outcome, cause, depth) DO UPDATE
        SET images = known.images + excluded.images, bytes = known.bytes + excluded.bytes;
    RETURN NULL;
END
$$;
CREATE TRIGGER results_count_settled AFTER INSERT ON results
    REFERENCING NEW TABLE AS settled FOR EACH STATEMENT EXECUTE FUNCTION count_settled();
"""


def upgrade() -> None:
    """Adds the indexes, the counters and what moves them."""
    op.execute(SCHEMA)
