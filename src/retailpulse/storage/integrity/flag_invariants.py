"""The invariants of flags: jobs count what their results say, and each flag of a photo is listed once.

What a photo's row of the list must say follows from the results, the visits and the store master.
"""

from psycopg import sql

from retailpulse.storage.integrity.invariants import Invariant

FLAG_COUNTS = sql.SQL("""
    SELECT j.*, n.* FROM jobs j CROSS JOIN LATERAL (
        SELECT coalesce(max(photos) FILTER (WHERE flag IS NULL), 0) AS real_flagged,
            coalesce(jsonb_object_agg(flag, photos) FILTER (WHERE flag IS NOT NULL), '{{}}') AS real_flags
        FROM (
            SELECT flag, count(DISTINCT image_no) AS photos
            FROM results r CROSS JOIN unnest(r.flags) flag
            WHERE r.job_id = j.job_id AND r.flags IS NOT NULL
            GROUP BY GROUPING SETS ((), (flag))) counted) n
""").format()
"""Each job with its counts of flags, and with those that its results say."""

OF_LIST = sql.SQL("job_id, image_no, flag, settled_at, store_id, area_code")
MEANT = sql.SQL("""
    SELECT r.job_id, r.image_no, flag, r.settled_at, v.store_id, coalesce(s.area_code, '') AS area_code
    FROM results r CROSS JOIN unnest(r.flags) flag
    JOIN jobs j ON j.job_id = r.job_id
    JOIN images i ON i.job_id = r.job_id AND i.image_no = r.image_no
    JOIN visits v ON v.job_id = r.job_id AND v.visit_no = i.visit_no
    LEFT JOIN stores s ON s.store_id = v.store_id
    WHERE r.flags IS NOT NULL
""")
"""What the list of flagged photos must hold."""
LISTED = sql.SQL("SELECT {of_list} FROM flagged_photos JOIN jobs USING (job_id)").format(of_list=OF_LIST)

FLAGS = (
    Invariant(
        name="flag_counters",
        is_of_jobs=True,
        broken="jobs whose counts of flags are not what their results say",
        statement=sql.SQL("""
            SELECT job_id, 0, 'counts ' || flagged || ' flagged, ' || flags || ', the results say '
                || real_flagged || ', ' || real_flags
            FROM ({counts}) n
            WHERE (flagged, flags) <> (real_flagged, real_flags)
        """).format(counts=FLAG_COUNTS),
    ),
    Invariant(
        name="flagged_photos",
        is_of_jobs=True,
        broken="flags of photos that are not listed as their results, visits and stores say",
        statement=sql.SQL("""
            SELECT job_id, image_no, 'image ' || image_no || ', ' || flag || ': ' || string_agg(what, ', ')
            FROM (
                SELECT *, 'not listed so' AS what FROM ({meant} EXCEPT {listed}) missing
                UNION ALL
                SELECT *, 'listed in vain' FROM ({listed} EXCEPT {meant}) wrong) broken
            GROUP BY job_id, image_no, flag
        """).format(meant=MEANT, listed=LISTED),
    ),
)
