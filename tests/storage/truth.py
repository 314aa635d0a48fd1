"""What must hold in the tables whatever happened: one result per image, exact counts, an empty queue."""

from uuid import UUID

import psycopg


def check_truth(url: str, *job_ids: str | UUID) -> None:
    """Fails where a job is not over, an image has no result, a count is wrong, or a message is left."""
    with psycopg.connect(url) as connection:
        for job_id in job_ids:
            _check_job(connection, str(job_id))
        assert connection.execute("SELECT * FROM procrastinate_jobs").fetchall() == []


def _check_job(connection: psycopg.Connection, job_id: str) -> None:
    job = connection.execute(
        "SELECT status, images, measured, failed, finished_at IS NOT NULL FROM jobs WHERE job_id = %s",
        [job_id],
    ).fetchone()
    assert job is not None
    rows = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'measured'),"
        " count(*) FILTER (WHERE outcome = 'failed') FROM results WHERE job_id = %s",
        [job_id],
    ).fetchone()
    assert rows is not None
    status, images, measured, failed, finished = job
    assert rows == (images, measured, failed)
    assert (status, finished) == ("failed" if failed else "completed", True)
    missing = connection.execute(
        "SELECT image_no FROM images LEFT JOIN results USING (job_id, image_no)"
        " WHERE job_id = %s AND outcome IS NULL",
        [job_id],
    ).fetchall()
    assert missing == []
    unsettled = connection.execute(
        "SELECT chunk_no, images, settled FROM chunks WHERE job_id = %s AND settled <> images", [job_id]
    ).fetchall()
    assert unsettled == []
