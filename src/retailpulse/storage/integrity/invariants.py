"""The invariants of the tables: for each a statement that finds each row that breaks it, on all jobs at once.

A statement gives a job, a number to order by, and a text for people. Rows of jobs that are being pruned
break no invariant.
"""

from dataclasses import dataclass

from psycopg import sql

from retailpulse.storage.results import columns
from retailpulse.storage.webhooks import deliveries

# Counters and what the rows say, for each job; the lateral part reads a range of an index.
JOB_COUNTS = sql.SQL("""
    SELECT j.*, n.*, j.measured + j.failed + j.cancelled AS settled
    FROM jobs j CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE outcome = 'measured')::int AS real_measured,
            count(*) FILTER (WHERE outcome = 'failed')::int AS real_failed,
            count(*) FILTER (WHERE outcome = 'cancelled')::int AS real_cancelled,
            count(*)::int AS real_settled, max(r.settled_at) AS last_settled_at
        FROM results r WHERE r.job_id = j.job_id) n
""")
WAITING = sql.SQL("""
    SELECT job_id, unnest(image_nos) AS image_no FROM slices
    UNION ALL
    SELECT job_id, unnest(image_nos) FROM grants
""")
"""Every image in line or in work, once for each row that holds it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Invariant:
    """What must hold: its name, what is counted if it does not, and the statement that finds that.

    `is_of_jobs`: it reads many rows, but compares those of one job alone, so that it can be cut to some jobs.
    """

    name: str
    broken: str
    statement: sql.SQL | sql.Composed
    is_of_jobs: bool = False


def _without_job(table: str) -> Invariant:
    return Invariant(
        name=f"{table}_without_job",
        is_of_jobs=True,
        broken=f"jobs that do not exist but have {table}",
        statement=sql.SQL("""
            SELECT t.job_id, 0, count(*) || ' rows'
            FROM {table} t
            WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = t.job_id)
              AND NOT EXISTS (SELECT FROM pruned_jobs p WHERE p.job_id = t.job_id)
            GROUP BY t.job_id
        """).format(table=sql.Identifier(table)),
    )


COUNTERS = (
    Invariant(
        name="job_counters",
        is_of_jobs=True,
        broken="jobs whose counters are not what their results say",
        statement=sql.SQL("""
            SELECT job_id, 0, 'counts ' || measured || ' measured, ' || failed || ' failed, '
                || cancelled || ' cancelled, the results say ' || real_measured || ', ' || real_failed
                || ', ' || real_cancelled
            FROM ({counts}) n
            WHERE (measured, failed, cancelled) <> (real_measured, real_failed, real_cancelled)
        """).format(counts=JOB_COUNTS),
    ),
)

STATES = (
    Invariant(
        name="job_status",
        broken="ended jobs whose status is not what their counters say",
        statement=sql.SQL("""
            SELECT job_id, 0, status || ' with ' || measured || ' measured, ' || failed || ' failed, '
                || cancelled || ' cancelled of ' || images
            FROM jobs
            WHERE status <> 'ongoing' AND (
                measured + failed + cancelled <> images
                OR status = 'completed' AND failed + cancelled > 0
                OR status = 'failed' AND (failed = 0 OR cancelled > 0))
        """),
    ),
    Invariant(
        name="job_end",
        broken="jobs with a time of their end that go on, or without one that have ended",
        statement=sql.SQL("""
            SELECT job_id, 0, status || CASE WHEN finished_at IS NULL THEN ' without an end'
                ELSE ' with an end' END
            FROM jobs WHERE (status = 'ongoing') = (finished_at IS NOT NULL)
        """),
    ),
    Invariant(
        name="job_not_ended",
        broken="ongoing jobs all of whose images are settled",
        statement=sql.SQL("""
            SELECT job_id, 0, 'all of ' || images || ' images are settled'
            FROM jobs WHERE status = 'ongoing' AND measured + failed + cancelled >= images
        """),
    ),
    Invariant(
        name="waiting_of_ended_job",
        broken="ended jobs of which images still wait or are in work",
        statement=sql.SQL("""
            SELECT w.job_id, 0, count(*) || ' images in line or in work'
            FROM ({waiting}) w
            WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = w.job_id AND j.status = 'ongoing')
            GROUP BY w.job_id
        """).format(waiting=WAITING),
    ),
    Invariant(
        name="delivery_missing",
        broken="ended jobs with a callback_url but without a delivery of their end",
        statement=sql.SQL("""
            SELECT j.job_id, 0, j.status || ' without a delivery'
            {without_delivery}
        """).format(without_delivery=deliveries.WITHOUT_DELIVERY),
    ),
)

ROWS = (
    Invariant(
        name="images_accepted",
        is_of_jobs=True,
        broken="jobs whose images are not those that were accepted",
        statement=sql.SQL("""
            SELECT j.job_id, 0, 'accepted ' || j.images || ' images, has ' || n.images
            FROM jobs j CROSS JOIN LATERAL (
                SELECT count(*) AS images, min(image_no) AS first_no, max(image_no) AS last_no
                FROM images i WHERE i.job_id = j.job_id) n
            WHERE (n.images, n.first_no, n.last_no) IS DISTINCT FROM (j.images, 1, j.images)
        """),
    ),
    Invariant(
        name="images_waiting",
        is_of_jobs=True,
        broken="images without a result that no worker would fetch, or that wait twice",
        statement=sql.SQL("""
            WITH waiting AS MATERIALIZED ({waiting})
            SELECT j.job_id, i.image_no, 'image ' || i.image_no || ' is in line or in work '
                || count(w.image_no) || ' times'
            FROM jobs j
            JOIN images i ON i.job_id = j.job_id AND i.same_as IS NULL
            LEFT JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no
            LEFT JOIN waiting w ON w.job_id = i.job_id AND w.image_no = i.image_no
            WHERE j.status = 'ongoing' AND (v.store_known OR v.job_id IS NULL AND j.is_analysis)
              AND NOT EXISTS (
                SELECT FROM results r WHERE r.job_id = i.job_id AND r.image_no = i.image_no)
            GROUP BY j.job_id, i.image_no HAVING count(w.image_no) <> 1
        """).format(waiting=WAITING),
    ),
    Invariant(
        name="waiting_in_vain",
        broken="images that wait in line, but have a result, are copies, or do not exist",
        statement=sql.SQL("""
            SELECT s.job_id, no, 'image ' || no
            FROM slices s CROSS JOIN LATERAL unnest(s.image_nos) no
            JOIN jobs j ON j.job_id = s.job_id AND j.status = 'ongoing'
            LEFT JOIN images i ON i.job_id = s.job_id AND i.image_no = no
            WHERE i.image_no IS NULL OR i.same_as IS NOT NULL OR EXISTS (
                SELECT FROM results r WHERE r.job_id = s.job_id AND r.image_no = no)
        """),
    ),
    Invariant(
        name="result_missing",
        is_of_jobs=True,
        broken="images without a result in jobs that have ended",
        statement=sql.SQL("""
            SELECT i.job_id, i.image_no, 'image ' || i.image_no
            FROM images i JOIN jobs j ON j.job_id = i.job_id AND j.status <> 'ongoing'
            WHERE NOT EXISTS (SELECT FROM results r WHERE r.job_id = i.job_id AND r.image_no = i.image_no)
        """),
    ),
    Invariant(
        name="result_without_image",
        is_of_jobs=True,
        broken="results of images that do not exist",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no
            FROM results r JOIN jobs j ON j.job_id = r.job_id
            WHERE NOT EXISTS (SELECT FROM images i WHERE i.job_id = r.job_id AND i.image_no = r.image_no)
        """),
    ),
    Invariant(
        name="result_cancelled",
        is_of_jobs=True,
        broken="cancelled images in jobs that are not cancelled",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no || ' of a job that is ' || j.status
            FROM results r JOIN jobs j ON j.job_id = r.job_id AND j.status <> 'cancelled'
            WHERE r.outcome = 'cancelled'
        """),
    ),
    Invariant(
        name="copies",
        is_of_jobs=True,
        broken="copies that are none, or that differ from their first image in what both share",
        statement=sql.SQL("""
            SELECT c.job_id, c.image_no, 'image ' || c.image_no || ', a copy of image ' || c.same_as
            FROM images c JOIN jobs j ON j.job_id = c.job_id
            LEFT JOIN images f ON f.job_id = c.job_id AND f.image_no = c.same_as
            LEFT JOIN results r ON r.job_id = c.job_id AND r.image_no = c.image_no
            LEFT JOIN results s ON s.job_id = c.job_id AND s.image_no = c.same_as
            WHERE c.same_as IS NOT NULL AND (
                f.image_no IS NULL OR f.same_as IS NOT NULL OR f.image_no >= c.image_no
                OR f.image_url <> c.image_url
                OR ({result}) IS DISTINCT FROM ({result_of_first}))
        """).format(result=columns.shared_row("r"), result_of_first=columns.shared_row("s")),
    ),
    Invariant(
        name="earlier_results",
        is_of_jobs=True,
        broken="results that a retry took back, but of no failed image and no retry of their job",
        statement=sql.SQL("""
            SELECT e.job_id, e.image_no, 'image ' || e.image_no || ', ' || e.outcome || ' before retry '
                || e.retry_no || ' of ' || j.retries
            FROM earlier_results e JOIN jobs j ON j.job_id = e.job_id
            WHERE e.outcome <> 'failed' OR e.retry_no NOT BETWEEN 1 AND j.retries
              OR NOT EXISTS (SELECT FROM images i WHERE i.job_id = e.job_id AND i.image_no = e.image_no)
        """),
    ),
    Invariant(
        name="job_retries",
        is_of_jobs=True,
        broken="jobs whose number of retries is not what their earlier results say",
        statement=sql.SQL("""
            SELECT j.job_id, 0, 'retried ' || j.retries || ' times, the earlier results say ' || n.retries
            FROM jobs j CROSS JOIN LATERAL (
                SELECT count(DISTINCT e.retry_no) AS retries FROM earlier_results e
                WHERE e.job_id = j.job_id) n
            WHERE j.retries <> n.retries OR (j.retries > 0) = (j.retried_at IS NULL)
        """),
    ),
    Invariant(
        name="analysis_images",
        is_of_jobs=True,
        broken="images of analyses that are of no photo, or whose outcome is not what became of it",
        statement=sql.SQL("""
            SELECT i.job_id, i.image_no, 'image ' || i.image_no || ', ' || coalesce(r.outcome, 'unsettled')
                || CASE WHEN a.job_id IS NULL THEN ' of no photo'
                    ELSE ', of a photo that is ' || coalesce(a.became, 'as it was') END
            FROM jobs j JOIN images i ON i.job_id = j.job_id
            LEFT JOIN analysis_images a ON a.job_id = i.job_id AND a.image_no = i.image_no
            LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
            WHERE j.is_analysis AND (
                a.job_id IS NULL OR (a.became IS NOT NULL) <> (r.outcome IS NOT DISTINCT FROM 'measured'))
        """),
    ),
    *(
        _without_job(table)
        for table in (
            "visits",
            "job_stores",
            "images",
            "analysis_images",
            "results",
            "earlier_results",
            "flagged_photos",
            "known_photos",
            "thumbnails",
        )
    ),
)

SHARES = (
    Invariant(
        name="host_slots",
        broken="hosts whose leased slots are not what their leases say",
        statement=sql.SQL("""
            SELECT NULL::uuid, h.host_id, h.origin || ' has ' || h.leased || ' leased, the leases say '
                || n.slots
            FROM hosts h CROSS JOIN LATERAL (
                SELECT coalesce(sum(slots), 0) AS slots FROM leases l WHERE l.host_id = h.host_id) n
            WHERE h.leased <> n.slots
        """),
    ),
    Invariant(
        name="share_without_worker",
        broken="grants and leases of workers that do not exist",
        statement=sql.SQL("""
            SELECT NULL::uuid, held.worker_id, 'worker ' || held.worker_id
            FROM (SELECT worker_id FROM grants UNION SELECT worker_id FROM leases) held
            WHERE NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = held.worker_id)
        """),
    ),
    Invariant(
        name="slice_without_host",
        broken="hosts that do not exist but have waiting images",
        statement=sql.SQL("""
            SELECT NULL::uuid, s.host_id, 'host ' || s.host_id
            FROM (SELECT DISTINCT host_id FROM slices) s
            WHERE NOT EXISTS (SELECT FROM hosts h WHERE h.host_id = s.host_id)
        """),
    ),
)

# It may be broken for a moment in the best of worlds: the sweep of another worker mends it.
SILENT_WORKER = Invariant(
    name="silent_worker",
    broken="workers that are silent and still have images or slots",
    statement=sql.SQL("""
        SELECT NULL::text, w.worker_id, 'worker ' || w.worker_id
        FROM workers w WHERE w.beat_at < now() - make_interval(secs => %(silent_seconds)s)
    """),
)
