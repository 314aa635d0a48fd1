"""The invariants of photos that are compared, and of their matches.

Photos that wait for a search break none: what is told of them is about to change. Nor do those of jobs that
are being pruned.
"""

from psycopg import sql

from retailpulse.storage.integrity.invariants import Invariant

MATCHES = (
    Invariant(
        name="match_without_photo",
        broken="matches that name a photo which has no measured result",
        statement=sql.SQL("""
            SELECT m.job_id, m.image_no, 'image ' || m.image_no || ' names image ' || m.earlier_image_no
                || ' of the job ' || m.earlier_job_id
            FROM photo_matches m
            WHERE NOT EXISTS (SELECT FROM pruned_jobs p WHERE p.job_id IN (m.job_id, m.earlier_job_id))
              AND (SELECT count(*) FROM results r
                   WHERE (r.job_id, r.image_no) IN (
                        (m.job_id, m.image_no), (m.earlier_job_id, m.earlier_image_no))
                     AND r.outcome = 'measured') <> 2
        """),
    ),
    Invariant(
        name="match_order",
        broken="matches whose earlier photo is not the earlier one by the submits of their jobs",
        statement=sql.SQL("""
            SELECT m.job_id, m.image_no, 'image ' || m.image_no || ' names image ' || m.earlier_image_no
                || ' of the job ' || m.earlier_job_id
            FROM photo_matches m
            JOIN jobs l ON l.job_id = m.job_id
            JOIN jobs e ON e.job_id = m.earlier_job_id
            WHERE (photo_place(e.submitted_at, m.earlier_image_no), m.earlier_job_id, m.earlier_image_no)
                >= (photo_place(l.submitted_at, m.image_no), m.job_id, m.image_no)
        """),
    ),
    Invariant(
        name="match_flags",
        is_of_jobs=True,
        broken="results whose flags are not what their matches raise",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no || ' is flagged for '
                || coalesce(array_to_string(r.flags, ', '), 'nothing') || ', its match is '
                || coalesce(m.kind, 'none')
            FROM results r JOIN jobs j ON j.job_id = r.job_id
            LEFT JOIN photo_matches m
                ON m.job_id = r.job_id AND m.image_no = r.image_no AND m.is_flagged
            WHERE (m.kind IS NOT NULL OR r.flags && '{copy,same_scene}')
              AND (coalesce('copy' = ANY(r.flags), false), coalesce('same_scene' = ANY(r.flags), false))
                <> (coalesce(m.kind IN ('same_file', 'copy'), false), coalesce(m.kind = 'same_scene', false))
              AND NOT EXISTS (
                SELECT FROM match_queue q WHERE q.job_id = r.job_id AND q.image_no = r.image_no)
              AND NOT EXISTS (SELECT FROM pruned_jobs p WHERE p.job_id = m.earlier_job_id)
        """),
    ),
    Invariant(
        name="fingerprint_without_photo",
        broken="fingerprints of photos that are not known",
        statement=sql.SQL("""
            SELECT NULL::uuid, 0, count(*) || ' rows' FROM fingerprints f
            WHERE NOT EXISTS (SELECT FROM known_photos k WHERE k.photo_id = f.photo_id)
            HAVING count(*) > 0
        """),
    ),
    Invariant(
        name="matching_in_vain",
        broken="photos that wait to be matched but do not exist",
        statement=sql.SQL("""
            SELECT q.job_id, q.image_no, 'image ' || q.image_no
            FROM (SELECT job_id, unnest(image_nos) AS image_no FROM fingerprint_queue
                  UNION SELECT job_id, image_no FROM match_queue) q
            WHERE NOT EXISTS (
                SELECT FROM results r
                WHERE r.job_id = q.job_id AND r.image_no = q.image_no AND r.outcome = 'measured')
              AND EXISTS (SELECT FROM jobs j WHERE j.job_id = q.job_id)
        """),
    ),
)
