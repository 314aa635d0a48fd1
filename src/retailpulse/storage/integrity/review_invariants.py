"""The invariants of reviews: what stands follows from the history, and what results show from that."""

from psycopg import sql

from retailpulse.storage.integrity.invariants import Invariant

# The newest decision that no later entry undoes, for each photo with a history.
STANDING = sql.SQL("""
    SELECT job_id, image_no, n.revision, h.decision, h.flag, h.pair_job_id, h.pair_image_no, h.reason,
        h.decided_by, h.decided_at
    FROM (SELECT job_id, image_no, max(revision) AS revision FROM review_history GROUP BY 1, 2) n
    LEFT JOIN LATERAL (
        SELECT * FROM review_history d
        WHERE d.job_id = n.job_id AND d.image_no = n.image_no AND d.decision <> 'undone'
          AND NOT EXISTS (
            SELECT FROM review_history u
            WHERE u.job_id = d.job_id AND u.image_no = d.image_no AND u.undoes = d.revision)
        ORDER BY d.revision DESC LIMIT 1) h USING (job_id, image_no)
""")

# Of each pair that anybody decided on, whether its newest decision that stands is that it is none.
PAIRS_APART = sql.SQL("""
    SELECT job_id_a, image_no_a, job_id_b, image_no_b FROM (
        SELECT DISTINCT ON (1, 2, 3, 4) lower.job_id AS job_id_a, lower.image_no AS image_no_a,
            higher.job_id AS job_id_b, higher.image_no AS image_no_b, d.decision
        FROM review_history d
        CROSS JOIN LATERAL (
            SELECT * FROM (
                VALUES (d.job_id, d.image_no), (d.pair_job_id, d.pair_image_no)) v (job_id, image_no)
            ORDER BY job_id, image_no LIMIT 1) lower
        CROSS JOIN LATERAL (
            SELECT * FROM (
                VALUES (d.job_id, d.image_no), (d.pair_job_id, d.pair_image_no)) v (job_id, image_no)
            ORDER BY job_id DESC, image_no DESC LIMIT 1) higher
        WHERE d.pair_job_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM review_history u
            WHERE u.job_id = d.job_id AND u.image_no = d.image_no AND u.undoes = d.revision)
        ORDER BY 1, 2, 3, 4, d.entry_id DESC) newest
    WHERE decision = 'flag_wrong'
""")

REVIEWS = (
    Invariant(
        name="review_standing",
        broken="photos whose standing decision is not what their history says",
        statement=sql.SQL("""
            SELECT coalesce(w.job_id, s.job_id), coalesce(w.image_no, s.image_no),
                'image ' || coalesce(w.image_no, s.image_no) || ' is '
                || coalesce(w.decision, 'undecided') || ' at revision ' || coalesce(w.revision, 0)
                || ', its history says ' || coalesce(s.decision, 'undecided') || ' at '
                || coalesce(s.revision, 0)
            FROM reviews w FULL JOIN ({standing}) s USING (job_id, image_no)
            WHERE (w.revision, w.decision, w.flag, w.pair_job_id, w.pair_image_no, w.reason, w.decided_by,
                w.decided_at) IS DISTINCT FROM (s.revision, s.decision, s.flag, s.pair_job_id,
                s.pair_image_no, s.reason, s.decided_by, s.decided_at)
        """).format(standing=STANDING),
    ),
    Invariant(
        name="review_of_result",
        broken="results whose review is not the decision that stands",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no || ' shows '
                || coalesce(r.review, 'nothing') || ', decided is ' || coalesce(w.decision, 'nothing')
            FROM (
                SELECT job_id, image_no, review FROM results WHERE review IS NOT NULL
                UNION
                SELECT job_id, image_no, review FROM results JOIN reviews USING (job_id, image_no)) r
            LEFT JOIN reviews w ON w.job_id = r.job_id AND w.image_no = r.image_no
            WHERE r.review IS DISTINCT FROM w.decision
        """),
    ),
    Invariant(
        name="review_pairs",
        broken="pairs that are kept apart though nobody says so, or the other way round",
        statement=sql.SQL("""
            SELECT job_id_a, image_no_a, 'image ' || image_no_a || ' and image ' || image_no_b || ' of job '
                || job_id_b
            FROM ((TABLE photo_pairs_apart EXCEPT {pairs}) UNION ALL ({pairs} EXCEPT TABLE photo_pairs_apart))
                wrong
        """).format(pairs=PAIRS_APART),
    ),
)

MENDS = (
    (
        "standing decisions set to what the history says",
        sql.SQL("""
            UPDATE reviews w SET revision = s.revision, decision = s.decision, flag = s.flag,
                pair_job_id = s.pair_job_id, pair_image_no = s.pair_image_no, reason = s.reason,
                decided_by = s.decided_by, decided_at = s.decided_at
            FROM ({standing}) s
            WHERE w.job_id = s.job_id AND w.image_no = s.image_no
              AND (w.revision, w.decision, w.flag, w.pair_job_id, w.pair_image_no, w.reason, w.decided_by,
                w.decided_at) IS DISTINCT FROM (s.revision, s.decision, s.flag, s.pair_job_id,
                s.pair_image_no, s.reason, s.decided_by, s.decided_at)
        """).format(standing=STANDING),
    ),
    (
        "reviews of results set to the decision that stands",
        sql.SQL("""
            UPDATE results r SET review = w.decision
            FROM (
                SELECT job_id, image_no, decision FROM reviews
                UNION ALL
                SELECT job_id, image_no, NULL FROM results WHERE review IS NOT NULL
                    AND NOT EXISTS (
                        SELECT FROM reviews w
                        WHERE w.job_id = results.job_id AND w.image_no = results.image_no)) w
            WHERE r.job_id = w.job_id AND r.image_no = w.image_no AND r.review IS DISTINCT FROM w.decision
        """),
    ),
    (
        "pairs joined that nobody keeps apart",
        sql.SQL("""
            DELETE FROM photo_pairs_apart
            WHERE (job_id_a, image_no_a, job_id_b, image_no_b) NOT IN (SELECT * FROM ({pairs}) apart)
        """).format(pairs=PAIRS_APART),
    ),
    (
        "pairs kept apart as was decided",
        sql.SQL("INSERT INTO photo_pairs_apart {pairs} ON CONFLICT DO NOTHING").format(pairs=PAIRS_APART),
    ),
)
"""What is done in their order to mend each of them, with a word for what it does."""
