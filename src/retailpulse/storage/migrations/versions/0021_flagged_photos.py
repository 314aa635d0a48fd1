"""Flagged photos stand in a narrow table of their own, by time, area, store and job; jobs count them.

Workers of before must be stopped first: they would list and count none.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

SCHEMA = """
-- How many photos of a job are flagged at all, and how many by each flag; a flag that none has is left out.
ALTER TABLE jobs ADD COLUMN flagged integer NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN flags jsonb NOT NULL DEFAULT '{}';

CREATE FUNCTION add_counts(known jsonb, more jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, number), '{}')
    FROM (
        SELECT name, sum(number::bigint) AS number
        FROM (SELECT * FROM jsonb_each_text(known) UNION ALL SELECT * FROM jsonb_each_text(more))
            AS part (name, number)
        GROUP BY name) whole
    WHERE number <> 0
$$;

-- A row for each flag of each photo. What stands here is said elsewhere too: flag and time in results, the
-- store in visits, its area in the store master; an import that moves a store moves its photos.
CREATE TABLE flagged_photos (
    job_id uuid NOT NULL,
    image_no integer NOT NULL,
    flag text NOT NULL,
    settled_at timestamptz NOT NULL,
    store_id text NOT NULL,
    area_code text NOT NULL,
    PRIMARY KEY (job_id, image_no, flag)
);
INSERT INTO flagged_photos (job_id, image_no, flag, settled_at, store_id, area_code)
SELECT r.job_id, r.image_no, flag, r.settled_at, v.store_id, coalesce(s.area_code, '')
FROM results r CROSS JOIN unnest(r.flags) flag
JOIN images i ON i.job_id = r.job_id AND i.image_no = r.image_no
JOIN visits v ON v.job_id = r.job_id AND v.visit_no = i.visit_no
LEFT JOIN stores s ON s.store_id = v.store_id
WHERE r.flags IS NOT NULL;
CREATE INDEX flagged_photos_time ON flagged_photos (flag, settled_at, job_id, image_no);
CREATE INDEX flagged_photos_area ON flagged_photos (area_code, flag, settled_at, job_id, image_no);
CREATE INDEX flagged_photos_store ON flagged_photos (store_id, flag, settled_at, job_id, image_no);
CREATE INDEX flagged_photos_job ON flagged_photos (job_id, flag, settled_at, image_no);

UPDATE jobs j SET flagged = n.flagged, flags = n.flags
FROM (
    SELECT job_id, sum(photos) FILTER (WHERE flag IS NULL) AS flagged,
        jsonb_object_agg(flag, photos) FILTER (WHERE flag IS NOT NULL) AS flags
    FROM (
        SELECT job_id, flag, count(DISTINCT image_no) AS photos FROM flagged_photos
        GROUP BY GROUPING SETS ((job_id), (job_id, flag))) counted
    GROUP BY job_id) n
WHERE j.job_id = n.job_id;
"""


def upgrade() -> None:
    """Adds the counters and the table, and fills them from the results that have flags."""
    op.execute(SCHEMA)
