"""Databases with many results, made by statements and not by settles: for what pages of them cost.

One job is large, the others have `JOB_IMAGES` each. They visit the stores in turn, over `WEEKS`; 3% of the
images failed, 12% are flagged. The last job goes on, and what waits is of it.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from retailpulse.storage.jobs.store_counts import REAL_COUNTS

JOB_IMAGES = 2_000
WEEKS = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much there is: `large` is how many images the largest job has, of `results` in all."""

    results: int
    large: int
    stores: int = 5_000
    areas: int = 100

    @property
    def jobs(self) -> int:
        """How many jobs there are beside the largest."""
        return (self.results - self.large) // JOB_IMAGES


_STORES = """
    INSERT INTO stores (store_id, area_code, store_name, latitude, longitude)
    SELECT 'S' || lpad(n::text, 7, '0'), 'A' || lpad((n %% %(areas)s)::text, 4, '0'), 'Store ' || n, 10, 76
    FROM generate_series(0, %(stores)s - 1) n
"""
# The largest job is the first one, in the middle of the ids that others have.
_MADE = """
    CREATE TEMP TABLE made_jobs AS
    SELECT n, CASE n WHEN 0 THEN '88888888-8888-7888-8888-888888888888'::uuid
            ELSE md5('job ' || n)::uuid END AS job_id,
        CASE n WHEN 0 THEN %(large)s ELSE %(job_images)s END AS images,
        now() - (%(jobs)s - n + 1) * interval '1 week' * %(weeks)s / (%(jobs)s + 1) AS submitted_at
    FROM generate_series(0, %(jobs)s) n
"""
_JOBS = """
    INSERT INTO jobs (job_id, status, depth, images, name, submitted_at, started_at)
    SELECT job_id, 'ongoing', 'decode', images, 'audit ' || n %% 50, submitted_at, submitted_at
    FROM made_jobs
"""
_VISITS = """
    INSERT INTO visits (job_id, visit_no, store_id, store_known, visit_time, visited_at, first_image_no,
        images)
    SELECT job_id, v, 'S' || lpad(((n * 500 + v * 7) %% %(stores)s)::text, 7, '0'), true,
        to_char(submitted_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), submitted_at - v %% 72 * interval '1 hour',
        v * 4 - 3, 4
    FROM made_jobs CROSS JOIN LATERAL generate_series(1, images / 4) v
    WHERE n BETWEEN %(first)s AND %(last)s
"""
_IMAGES = """
    INSERT INTO images (job_id, image_no, visit_no, image_url)
    SELECT job_id, i, (i + 3) / 4, 'https://photos.example/' || n || '/' || i || '.jpg'
    FROM made_jobs CROSS JOIN LATERAL generate_series(1, images) i
    WHERE n BETWEEN %(first)s AND %(last)s
"""
# The last tenth of the last job has no result yet.
_RESULTS = """
    INSERT INTO results (job_id, image_no, outcome, cause, detail, format, width, height, displayed_width,
        displayed_height, size_bytes, sha256, flags, tries, settled_at)
    SELECT job_id, i, CASE WHEN cause IS NULL THEN 'measured' ELSE 'failed' END, cause,
        CASE WHEN cause IS NOT NULL THEN 'it took too long' END,
        given.format, given.width, given.height, given.width, given.height, given.width * 300,
        CASE WHEN cause IS NULL THEN sha256(('photo ' || n || '/' || i)::bytea) END,
        CASE WHEN cause IS NULL AND i %% 8 = 3 THEN
            (ARRAY['{copy}', '{blurred}', '{blurred,dark}', '{soft}', '{far_from_store}', '{stale}'])
                [i / 8 %% 6 + 1]::text[] END,
        1, submitted_at + i * interval '10 ms'
    FROM made_jobs CROSS JOIN LATERAL generate_series(1, images - (n = %(jobs)s)::int * images / 10) i
    CROSS JOIN LATERAL (
        SELECT CASE WHEN i %% 33 = 5 THEN (ARRAY['timeout', 'http_status', 'truncated'])[i / 33 %% 3 + 1] END
            AS cause) failing
    LEFT JOIN LATERAL (
        SELECT 'jpeg' AS format, 1200 AS width, 900 AS height WHERE cause IS NULL) given ON true
    WHERE n BETWEEN %(first)s AND %(last)s
"""
_FLAGGED = """
    INSERT INTO flagged_photos (job_id, image_no, flag, settled_at, store_id, area_code)
    SELECT r.job_id, r.image_no, flag, r.settled_at, s.store_id, s.area_code
    FROM results r CROSS JOIN unnest(r.flags) flag
    JOIN visits v ON v.job_id = r.job_id AND v.visit_no = (r.image_no + 3) / 4
    JOIN stores s USING (store_id)
    WHERE r.flags IS NOT NULL
"""
_MATCHES = """
    INSERT INTO photo_matches (job_id, image_no, earlier_job_id, earlier_image_no, place, earlier_place, kind,
        relation, distance, is_flagged, store_id, settled_at)
    SELECT r.job_id, r.image_no, r.job_id, r.image_no - 1, r.image_no, r.image_no - 1, 'copy', 'same_visit',
        3, true, v.store_id, r.settled_at
    FROM results r JOIN visits v ON v.job_id = r.job_id AND v.visit_no = (r.image_no + 3) / 4
    WHERE r.flags = '{copy}'
"""
_COUNTS = """
    UPDATE jobs j SET measured = n.measured, failed = n.failed, flagged = n.flagged,
        progressed_at = now(), status = CASE WHEN j.images > n.settled THEN 'ongoing' ELSE 'failed' END,
        finished_at = CASE WHEN j.images = n.settled THEN n.settled_at END
    FROM (
        SELECT job_id, count(*) AS settled, count(*) FILTER (WHERE outcome = 'measured') AS measured,
            count(*) FILTER (WHERE outcome = 'failed') AS failed, count(flags) AS flagged,
            max(settled_at) AS settled_at
        FROM results GROUP BY job_id) n
    WHERE j.job_id = n.job_id
"""
_CAUSES = """
    UPDATE jobs j SET causes = n.causes, flags = n.flags
    FROM (
        SELECT job_id, coalesce(jsonb_object_agg(name, images) FILTER (WHERE kind = 'cause'), '{}') AS causes,
            coalesce(jsonb_object_agg(name, images) FILTER (WHERE kind = 'flag'), '{}') AS flags
        FROM (
            SELECT job_id, 'cause' AS kind, cause AS name, count(*) AS images FROM results
            WHERE cause IS NOT NULL GROUP BY 1, 3
            UNION ALL
            SELECT job_id, 'flag', flag, count(*) FROM flagged_photos GROUP BY 1, 3) counted
        GROUP BY job_id) n
    WHERE j.job_id = n.job_id
"""
_JOB_STORES = sql.SQL("""
    INSERT INTO job_stores (job_id, first_visit_no, store_id, images, failed, flagged, causes)
    SELECT job_id, first_visit_no, store_id, images, failed, flagged, causes FROM ({counts}) n
""").format(counts=REAL_COUNTS.format(of_results=sql.SQL("true"), of_visits=sql.SQL("true")))
_AROUND = """
    DELETE FROM settled_minutes;
    INSERT INTO settled_minutes (minute, session, outcome, cause, depth, images, bytes)
    SELECT date_trunc('minute', now()) - m * interval '1 minute', s, outcome, cause, 'decode', 100, 1
    FROM generate_series(0, 1439) m, generate_series(1, 4) s,
        (VALUES ('measured', ''), ('failed', 'timeout'), ('failed', 'http_status')) AS o (outcome, cause);
    INSERT INTO hosts (origin, cap) SELECT 'https://host' || n || '.example:443', 16
    FROM generate_series(1, 20) n;
    INSERT INTO workers (beat_at) SELECT now() + interval '1 day' FROM generate_series(1, 4);
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, 0, place, job_id, ARRAY(SELECT generate_series(first, first + 9))
    FROM (
        SELECT job_id, images * 9 / 10 + 10 * s - 9 AS first, s AS place
        FROM made_jobs CROSS JOIN LATERAL generate_series(1, images / 100) s WHERE n = %(jobs)s) part
    JOIN (SELECT host_id, row_number() OVER (ORDER BY host_id) AS no FROM hosts WHERE host_id > 0) h
        ON h.no = 1 + place %% 20
"""
_BY_JOBS = (_VISITS, _IMAGES, _RESULTS)
JOBS_AT_ONCE = 250


def fill(url: str, size: Size) -> None:
    """Fills a fresh database, and lets the planner know it."""
    values = {
        "stores": size.stores,
        "areas": size.areas,
        "jobs": size.jobs,
        "large": size.large,
        "job_images": JOB_IMAGES,
        "weeks": WEEKS,
    }
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for statement in (_STORES, _MADE, _JOBS):
            connection.execute(statement, values)
        for first in range(0, size.jobs + 1, JOBS_AT_ONCE):
            part = values | {"first": first, "last": min(first + JOBS_AT_ONCE - 1, size.jobs)}
            for statement in _BY_JOBS:
                connection.execute(statement, part)
        connection.execute("VACUUM ANALYZE visits, images, results, stores")
        for later in (_FLAGGED, _MATCHES, _COUNTS, _CAUSES, _JOB_STORES):
            connection.execute(later)
        connection.execute(_AROUND, values)
        connection.execute("DROP TABLE made_jobs")
        connection.execute("VACUUM ANALYZE")
