"""The laws of the tables: for each a statement that finds every row that breaks it, on all jobs at once.

A statement gives a job, a number to order by, and a text for people. Rows of jobs that are being pruned
break no law. Weak: the statements read every row, a minute or more where there are tens of millions.
"""

from dataclasses import dataclass

from psycopg import sql

from retailpulse.storage import deliveries
from retailpulse.storage.queue import WITHOUT_MESSAGE

# Counters and what the rows say, for each job and each chunk; the lateral parts read a range of an index
# each, so that no plan ever joins all images of a job with all its chunks.
JOB_COUNTS = sql.SQL("""
    SELECT j.*, n.*, j.measured + j.failed + j.cancelled AS settled
    FROM jobs j CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE outcome = 'measured')::int AS real_measured,
            count(*) FILTER (WHERE outcome = 'failed')::int AS real_failed,
            count(*) FILTER (WHERE outcome = 'cancelled')::int AS real_cancelled,
            count(*)::int AS real_settled, max(r.settled_at) AS last_settled_at
        FROM results r WHERE r.job_id = j.job_id) n
""")
CHUNK_COUNTS = sql.SQL("""
    SELECT c.*, n.*
    FROM chunks c JOIN jobs j ON j.job_id = c.job_id CROSS JOIN LATERAL (
        SELECT count(*)::int AS real_images, count(r.image_no)::int AS real_settled
        FROM images i
        JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
        LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
        WHERE i.job_id = c.job_id AND i.image_no BETWEEN c.first_image_no AND c.last_image_no
          AND i.same_as IS NULL AND coalesce(i.since_retry, 0) = c.since_retry) n
""")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Law:
    """What must hold: its name, what is counted where it does not, and the statement that finds that."""

    name: str
    broken: str
    statement: sql.SQL | sql.Composed


def _without_job(table: str) -> Law:
    return Law(
        name=f"{table}_without_job",
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
    Law(
        name="job_counters",
        broken="jobs whose counters are not what their results say",
        statement=sql.SQL("""
            SELECT job_id, 0, 'counts ' || measured || ' measured, ' || failed || ' failed, '
                || cancelled || ' cancelled, the results say ' || real_measured || ', ' || real_failed
                || ', ' || real_cancelled
            FROM ({counts}) n
            WHERE (measured, failed, cancelled) <> (real_measured, real_failed, real_cancelled)
        """).format(counts=JOB_COUNTS),
    ),
    Law(
        name="chunk_counters",
        broken="chunks whose counters are not what their images and results say",
        statement=sql.SQL("""
            SELECT job_id, chunk_no, 'chunk ' || chunk_no || ' counts ' || settled || ' of ' || images
                || ' settled, the rows say ' || real_settled || ' of ' || real_images
            FROM ({counts}) n
            WHERE (images, settled) <> (real_images, real_settled)
        """).format(counts=CHUNK_COUNTS),
    ),
)

STATES = (
    Law(
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
    Law(
        name="job_end",
        broken="jobs with a time of their end that go on, or without one that have ended",
        statement=sql.SQL("""
            SELECT job_id, 0, status || CASE WHEN finished_at IS NULL THEN ' without an end'
                ELSE ' with an end' END
            FROM jobs WHERE (status = 'ongoing') = (finished_at IS NOT NULL)
        """),
    ),
    Law(
        name="job_not_ended",
        broken="ongoing jobs all of whose images are settled",
        statement=sql.SQL("""
            SELECT job_id, 0, 'all of ' || images || ' images are settled'
            FROM jobs WHERE status = 'ongoing' AND measured + failed + cancelled >= images
        """),
    ),
    Law(
        name="job_without_chunk",
        broken="ongoing jobs with images left that no open chunk holds",
        statement=sql.SQL("""
            SELECT job_id, 0, images - measured - failed - cancelled || ' images are left'
            FROM jobs j WHERE status = 'ongoing' AND measured + failed + cancelled < images
              AND NOT EXISTS (SELECT FROM chunks c WHERE c.job_id = j.job_id AND c.settled < c.images)
        """),
    ),
    Law(
        name="chunk_open",
        broken="open chunks of ended jobs",
        statement=sql.SQL("""
            SELECT c.job_id, c.chunk_no, 'chunk ' || c.chunk_no || ' of a job that is ' || j.status
            FROM chunks c JOIN jobs j USING (job_id) WHERE c.settled < c.images AND j.status <> 'ongoing'
        """),
    ),
    Law(
        name="delivery_missing",
        broken="ended jobs with a callback_url of whose end no delivery tells",
        statement=sql.SQL("""
            SELECT j.job_id, 0, j.status || ' without a delivery'
            {without_delivery}
        """).format(without_delivery=deliveries.WITHOUT_DELIVERY),
    ),
)

ROWS = (
    Law(
        name="images_accepted",
        broken="jobs whose images are not those that were accepted",
        statement=sql.SQL("""
            SELECT j.job_id, 0, 'accepted ' || j.images || ' images, has ' || n.images
            FROM jobs j CROSS JOIN LATERAL (
                SELECT count(*) AS images, min(image_no) AS first_no, max(image_no) AS last_no
                FROM images i WHERE i.job_id = j.job_id) n
            WHERE (n.images, n.first_no, n.last_no) IS DISTINCT FROM (j.images, 1, j.images)
        """),
    ),
    Law(
        name="images_in_chunks",
        broken="jobs some of whose images to fetch are in no chunk, or in two",
        statement=sql.SQL("""
            SELECT j.job_id, 0, n.images || ' images to fetch, ' || coalesce(c.images, 0) || ' in chunks'
            FROM jobs j CROSS JOIN LATERAL (
                SELECT count(*) AS images
                FROM images i
                JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
                WHERE i.job_id = j.job_id AND i.same_as IS NULL) n
            CROSS JOIN LATERAL (SELECT sum(c.images) AS images FROM chunks c WHERE c.job_id = j.job_id) c
            WHERE n.images <> coalesce(c.images, 0)
        """),
    ),
    Law(
        name="result_missing",
        broken="images without a result in jobs that have ended",
        statement=sql.SQL("""
            SELECT i.job_id, i.image_no, 'image ' || i.image_no
            FROM images i JOIN jobs j ON j.job_id = i.job_id AND j.status <> 'ongoing'
            WHERE NOT EXISTS (SELECT FROM results r WHERE r.job_id = i.job_id AND r.image_no = i.image_no)
        """),
    ),
    Law(
        name="result_without_image",
        broken="results of images that do not exist",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no
            FROM results r JOIN jobs j ON j.job_id = r.job_id
            WHERE NOT EXISTS (SELECT FROM images i WHERE i.job_id = r.job_id AND i.image_no = r.image_no)
        """),
    ),
    Law(
        name="result_cancelled",
        broken="cancelled images in jobs that are not cancelled",
        statement=sql.SQL("""
            SELECT r.job_id, r.image_no, 'image ' || r.image_no || ' of a job that is ' || j.status
            FROM results r JOIN jobs j ON j.job_id = r.job_id AND j.status <> 'cancelled'
            WHERE r.outcome = 'cancelled'
        """),
    ),
    Law(
        name="copies",
        broken="copies that are none, or whose result is not that of their first image",
        statement=sql.SQL("""
            SELECT c.job_id, c.image_no, 'image ' || c.image_no || ', a copy of image ' || c.same_as
            FROM images c JOIN jobs j ON j.job_id = c.job_id
            LEFT JOIN images f ON f.job_id = c.job_id AND f.image_no = c.same_as
            LEFT JOIN results r ON r.job_id = c.job_id AND r.image_no = c.image_no
            LEFT JOIN results s ON s.job_id = c.job_id AND s.image_no = c.same_as
            WHERE c.same_as IS NOT NULL AND (
                f.image_no IS NULL OR f.same_as IS NOT NULL OR f.image_no >= c.image_no
                OR f.image_url <> c.image_url
                OR (r.outcome, r.cause, r.detail, r.format, r.width, r.height, r.displayed_width,
                    r.displayed_height, r.size_bytes, r.sha256, r.suspect, r.tries)
                IS DISTINCT FROM (s.outcome, s.cause, s.detail, s.format, s.width, s.height,
                    s.displayed_width, s.displayed_height, s.size_bytes, s.sha256, s.suspect, s.tries))
        """),
    ),
    Law(
        name="earlier_results",
        broken="results that a retry took back, but of no failed image and no retry of their job",
        statement=sql.SQL("""
            SELECT e.job_id, e.image_no, 'image ' || e.image_no || ', ' || e.outcome || ' before retry '
                || e.retry_no || ' of ' || j.retries
            FROM earlier_results e JOIN jobs j ON j.job_id = e.job_id
            WHERE e.outcome <> 'failed' OR e.retry_no NOT BETWEEN 1 AND j.retries
              OR NOT EXISTS (SELECT FROM images i WHERE i.job_id = e.job_id AND i.image_no = e.image_no)
        """),
    ),
    Law(
        name="job_retries",
        broken="jobs whose number of retries is not what their earlier results say",
        statement=sql.SQL("""
            SELECT j.job_id, 0, 'retried ' || j.retries || ' times, the earlier results say ' || n.retries
            FROM jobs j CROSS JOIN LATERAL (
                SELECT count(DISTINCT e.retry_no) AS retries FROM earlier_results e
                WHERE e.job_id = j.job_id) n
            WHERE j.retries <> n.retries OR (j.retries > 0) = (j.retried_at IS NULL)
        """),
    ),
    *(_without_job(table) for table in ("visits", "images", "chunks", "results", "earlier_results")),
)

# These may be broken for a moment in the best of worlds: workers and their sweeps mend them.
CHUNK_WITHOUT_MESSAGE = Law(
    name="chunk_without_message",
    broken="open chunks of ongoing jobs that no message names",
    statement=sql.SQL("""
        SELECT c.job_id::text, c.chunk_no::bigint, 'chunk ' || c.chunk_no
        {chunks}
    """).format(chunks=WITHOUT_MESSAGE),
)
# One that waits has its turn only when the others are done. One in work is worked on until its last image
# is given up, also where the job was cancelled or another worker was faster.
MESSAGE_WITHOUT_CHUNK = Law(
    name="message_without_chunk",
    broken="messages that name no open chunk of an ongoing job",
    statement=sql.SQL("""
        WITH message AS MATERIALIZED (
            SELECT q.id, q.status, q.args->>'job_id' AS job_id, c.job_id AS chunk_job_id,
                c.first_image_no, c.last_image_no,
                coalesce(c.settled < c.images AND j.status = 'ongoing', false) AS is_open
            FROM procrastinate_jobs q
            LEFT JOIN chunks c
                ON c.job_id::text = q.args->>'job_id' AND c.chunk_no::text = q.args->>'chunk_no'
            LEFT JOIN jobs j ON j.job_id = c.job_id
            WHERE q.queue_name = %(queue)s AND q.status IN ('todo', 'doing'))
        SELECT m.job_id, m.id, 'message ' || m.id
        FROM message m CROSS JOIN LATERAL (
            SELECT max(r.settled_at) AS at FROM results r
            WHERE r.job_id = m.chunk_job_id AND r.image_no BETWEEN m.first_image_no AND m.last_image_no) done
        WHERE NOT m.is_open AND CASE m.status
            WHEN 'todo' THEN NOT EXISTS (SELECT FROM message other WHERE other.is_open)
            ELSE coalesce(done.at < now() - make_interval(secs => %(work_seconds)s), true) END
    """),
)
MESSAGE_OF_SILENT_WORKER = Law(
    name="message_of_silent_worker",
    broken="messages in work at a worker that is silent",
    statement=sql.SQL("""
        SELECT q.args->>'job_id', q.id, 'message ' || q.id
        FROM procrastinate_jobs q
        WHERE q.queue_name = %(queue)s AND q.status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers w
            WHERE w.id = q.worker_id AND w.last_heartbeat > now() - make_interval(secs => %(silent_seconds)s))
    """),
)
# One that is tried in between is due at another time in the second look.
DELIVERY_WITHOUT_MESSAGE = Law(
    name="delivery_without_message",
    broken="deliveries that are due and that no message names",
    statement=sql.SQL("""
        SELECT d.job_id::text, d.delivery_no::bigint,
            'delivery ' || d.delivery_no || ', due at ' || d.next_try_at
        FROM deliveries d WHERE {without_message}
    """).format(without_message=deliveries.WITHOUT_MESSAGE),
)
QUEUE_LAWS = (
    CHUNK_WITHOUT_MESSAGE,
    MESSAGE_WITHOUT_CHUNK,
    MESSAGE_OF_SILENT_WORKER,
    DELIVERY_WITHOUT_MESSAGE,
)
