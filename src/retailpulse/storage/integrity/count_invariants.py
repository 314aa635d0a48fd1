"""The invariants of counts: of failures by cause and by store of a job, and of jobs by state.

All follow from the results, the visits and the jobs.
"""

from psycopg import sql

from retailpulse.storage.integrity.invariants import Invariant
from retailpulse.storage.jobs.store_counts import REAL_COUNTS

CAUSE_COUNTS = sql.SQL("""
    SELECT j.*, n.* FROM jobs j CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(cause, images), '{{}}') AS real_causes
        FROM (
            SELECT cause, count(*) AS images FROM results r
            WHERE r.job_id = j.job_id AND cause IS NOT NULL
            GROUP BY cause) counted) n
""").format()
"""Each job with its counts of causes, and with those that its results say."""

_OF_STORES = sql.SQL("job_id, first_visit_no, store_id, images, failed, flagged, causes")
_OF_ALL = sql.SQL("true")


def _differences(
    of_results: sql.Composable, of_visits: sql.Composable, of_jobs: sql.Composable
) -> sql.Composed:
    return sql.SQL("""
        SELECT coalesce(real.job_id, known.job_id) AS job_id,
            coalesce(real.first_visit_no, known.first_visit_no) AS first_visit_no,
            known.job_id IS NULL AS is_missing, real.job_id IS NULL AS is_wrong,
            real.store_id, real.images, real.failed, real.flagged, real.causes
        FROM (SELECT {of_stores} FROM ({counts}) n JOIN jobs USING (job_id)) real
        FULL JOIN (SELECT {columns} FROM job_stores s JOIN jobs j USING (job_id) WHERE {of_jobs}) known
            ON known.job_id = real.job_id AND known.first_visit_no = real.first_visit_no
        WHERE (real.store_id, real.images, real.failed, real.flagged, real.causes)
            IS DISTINCT FROM (known.store_id, known.images, known.failed, known.flagged, known.causes)
    """).format(
        of_stores=sql.SQL("job_id, first_visit_no, store_id, n.images, n.failed, n.flagged, n.causes"),
        columns=sql.SQL("job_id, first_visit_no, store_id, s.images, s.failed, s.flagged, s.causes"),
        counts=REAL_COUNTS.format(of_results=of_results, of_visits=of_visits),
        of_jobs=of_jobs,
    )


_OF_SOME = {
    name: sql.SQL("{row}.job_id = ANY(%(job_ids)s)").format(row=sql.Identifier(row))
    for name, row in (("of_results", "r"), ("of_visits", "v"), ("of_jobs", "j"))
}
MEND_STORES = sql.SQL("""
    WITH broken AS MATERIALIZED ({differences}),
    gone AS (
        DELETE FROM job_stores s USING broken b
        WHERE s.job_id = b.job_id AND s.first_visit_no = b.first_visit_no AND b.is_wrong)
    INSERT INTO job_stores ({columns})
    SELECT {columns} FROM broken WHERE NOT is_wrong
    ON CONFLICT (job_id, first_visit_no) DO UPDATE
        SET (store_id, images, failed, flagged, causes)
            = (excluded.store_id, excluded.images, excluded.failed, excluded.flagged, excluded.causes)
""").format(differences=_differences(**_OF_SOME), columns=_OF_STORES)
MEND_CAUSES = sql.SQL("""
    UPDATE jobs j SET causes = n.real_causes
    FROM ({counts} WHERE j.job_id = ANY(%(job_ids)s)) n
    WHERE j.job_id = n.job_id AND j.causes <> n.real_causes
""").format(counts=CAUSE_COUNTS)

COUNTS = (
    Invariant(
        name="cause_counters",
        is_of_jobs=True,
        broken="jobs whose counts of causes are not what their results say",
        statement=sql.SQL("""
            SELECT job_id, 0, 'counts ' || causes::text || ', the results say ' || real_causes::text
            FROM ({counts}) n WHERE causes <> real_causes
        """).format(counts=CAUSE_COUNTS),
    ),
    Invariant(
        name="job_stores",
        is_of_jobs=True,
        broken="stores of jobs whose counts are not what their visits and results say",
        statement=sql.SQL("""
            SELECT job_id, first_visit_no, 'the store of visit ' || first_visit_no || CASE
                WHEN is_missing THEN ' is not counted' WHEN is_wrong THEN ' is counted in vain'
                ELSE ' has ' || failed || ' failed, ' || flagged || ' flagged of ' || images || ' images' END
            FROM ({differences}) broken
        """).format(differences=_differences(_OF_ALL, _OF_ALL, _OF_ALL)),
    ),
)

_BY_STATE = sql.SQL("""
    SELECT status, is_analysis, coalesce(known.jobs, 0) AS counted, coalesce(real.jobs, 0) AS jobs
    FROM (SELECT status, is_analysis, sum(jobs) AS jobs FROM job_counts GROUP BY 1, 2) known
    FULL JOIN (SELECT status, is_analysis, count(*) AS jobs FROM jobs GROUP BY 1, 2) real
        USING (status, is_analysis)
    WHERE coalesce(known.jobs, 0) <> coalesce(real.jobs, 0)
""")
JOBS_BY_STATE = Invariant(
    name="job_counts",
    broken="states of which there are not as many jobs as are counted",
    statement=sql.SQL("""
        SELECT NULL::uuid, 0, counted || ' jobs are counted as ' || status
            || CASE WHEN is_analysis THEN ' analyses' ELSE '' END || ', there are ' || jobs
        FROM ({by_state}) broken
    """).format(by_state=_BY_STATE),
)
# The difference is added, so that what others count at this moment stands.
MEND_JOBS_BY_STATE = sql.SQL("""
    INSERT INTO job_counts AS t (status, is_analysis, session, jobs)
    SELECT status, is_analysis, 0, jobs - counted FROM ({by_state}) broken
    ON CONFLICT (status, is_analysis, session) DO UPDATE SET jobs = t.jobs + excluded.jobs
""").format(by_state=_BY_STATE)
