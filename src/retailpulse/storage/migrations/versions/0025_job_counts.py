"""Jobs count their failures by cause and by store, and are counted by state: pages count no rows.

Workers of before must be stopped first: they would count none of it.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

SCHEMA = """
-- How many images of a job were not measured, by cause; a cause that none has is left out.
ALTER TABLE jobs
    ADD COLUMN causes jsonb NOT NULL DEFAULT '{}',
    -- When results of it were written last.
    ADD COLUMN progressed_at timestamptz;

UPDATE jobs j SET causes = n.causes
FROM (
    SELECT job_id, jsonb_object_agg(cause, images) AS causes
    FROM (
        SELECT job_id, cause, count(*) AS images FROM results WHERE cause IS NOT NULL
        GROUP BY job_id, cause) counted
    GROUP BY job_id) n
WHERE j.job_id = n.job_id;

-- The stores of a job, by the visit with which each first appears in it. `failed` and `flagged` count images
-- of theirs that failed, and that are flagged.
CREATE TABLE job_stores (
    job_id uuid NOT NULL,
    first_visit_no integer NOT NULL,
    store_id text NOT NULL,
    images integer NOT NULL,
    failed integer NOT NULL DEFAULT 0,
    flagged integer NOT NULL DEFAULT 0,
    -- What failed, by cause; a cause that none has is left out.
    causes jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, first_visit_no)
);
INSERT INTO job_stores (job_id, first_visit_no, store_id, images)
SELECT job_id, min(visit_no), store_id, sum(images) FROM visits GROUP BY job_id, store_id;
CREATE TEMP TABLE counted AS
SELECT v.job_id, v.store_id, CASE WHEN r.outcome = 'failed' THEN r.cause END AS cause,
    count(*) FILTER (WHERE r.outcome = 'failed') AS failed, count(r.flags) AS flagged
FROM results r
JOIN images i ON i.job_id = r.job_id AND i.image_no = r.image_no
JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no
WHERE r.outcome = 'failed' OR r.flags IS NOT NULL
GROUP BY 1, 2, 3;
UPDATE job_stores s SET failed = n.failed, flagged = n.flagged, causes = n.causes
FROM (
    SELECT job_id, store_id, sum(failed) AS failed, sum(flagged) AS flagged,
        coalesce(jsonb_object_agg(cause, failed) FILTER (WHERE cause IS NOT NULL), '{}') AS causes
    FROM counted GROUP BY job_id, store_id) n
WHERE s.job_id = n.job_id AND s.store_id = n.store_id;
DROP TABLE counted;
-- Ids that the master does not know may be too long for an index: whoever looks compares the whole id too.
CREATE INDEX job_stores_id ON job_stores
    (job_id, (lower(left(store_id, 200)) COLLATE "C"), first_visit_no);
CREATE INDEX job_stores_failed ON job_stores (job_id, failed, first_visit_no) WHERE failed > 0;
CREATE INDEX job_stores_flagged ON job_stores (job_id, flagged, first_visit_no) WHERE flagged > 0;

-- What failed for one cause, in the order of the images.
CREATE INDEX results_causes ON results (job_id, cause, image_no) WHERE cause IS NOT NULL;

-- How many jobs there are by state: a row for each session that changed some, so that no two ever wait for
-- each other; the sum over the sessions counts. The pruning adds them up in session 0.
CREATE TABLE job_counts (
    status text NOT NULL,
    is_analysis boolean NOT NULL,
    session integer NOT NULL,
    jobs bigint NOT NULL,
    PRIMARY KEY (status, is_analysis, session)
) WITH (fillfactor = 50);
INSERT INTO job_counts (status, is_analysis, session, jobs)
SELECT status, is_analysis, 0, count(*) FROM jobs GROUP BY status, is_analysis;

CREATE FUNCTION count_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_counts AS known (status, is_analysis, session, jobs)
    SELECT status, is_analysis, pg_backend_pid(), jobs
    FROM (VALUES (NEW.status, NEW.is_analysis, 1), (OLD.status, OLD.is_analysis, -1))
        AS change (status, is_analysis, jobs)
    WHERE status IS NOT NULL
    ON CONFLICT (status, is_analysis, session) DO UPDATE SET jobs = known.jobs + excluded.jobs;
    RETURN NULL;
END
$$;
CREATE TRIGGER jobs_are_counted AFTER INSERT OR DELETE ON jobs
    FOR EACH ROW EXECUTE FUNCTION count_job();
CREATE TRIGGER states_are_counted AFTER UPDATE OF status, is_analysis ON jobs
    FOR EACH ROW WHEN ((NEW.status, NEW.is_analysis) <> (OLD.status, OLD.is_analysis))
    EXECUTE FUNCTION count_job();
"""


def upgrade() -> None:
    """Adds the counters, fills them from visits and results, and makes the indexes."""
    op.execute(SCHEMA)
