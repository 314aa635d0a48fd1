"""What must hold in the tables whatever happened: one result per image, exact counts, nothing in line.

It is said here in other words than the product's own checker says it, which must agree as well.
"""

from uuid import UUID

import psycopg

from retailpulse.storage.integrity.check import StaleThresholds, check_invariants

PAUSES: list[float] = []
"""For each database that was checked, the longest time in which no image was settled, in seconds."""
THRESHOLDS = StaleThresholds(sweep_seconds=0.3, stale_seconds=2.0)
"""The times of the workers in tests."""


def check_truth(url: str, *job_ids: str | UUID) -> None:
    """Fails where a job is not over, an image has no result, a count is wrong, or something still waits."""
    with psycopg.connect(url) as connection:
        for job_id in job_ids:
            _check_job(connection, str(job_id))
        PAUSES.append(longest_pause_seconds(connection))
    assert check_invariants(url, THRESHOLDS).findings == ()


def longest_pause_seconds(connection: psycopg.Connection) -> float:
    """The longest time in which no image was settled, of those that had to be fetched."""
    row = connection.execute(
        "SELECT extract(epoch FROM max(pause)) FROM ("
        " SELECT settled_at - lag(settled_at) OVER (ORDER BY settled_at) AS pause"
        " FROM (SELECT DISTINCT settled_at FROM results WHERE tries > 0) moments) pauses"
    ).fetchone()
    return round(float(row[0]), 2) if row and row[0] is not None else 0.0


def _check_job(connection: psycopg.Connection, job_id: str) -> None:
    job = connection.execute(
        "SELECT status, images, measured, failed, cancelled, finished_at IS NOT NULL"
        " FROM jobs WHERE job_id = %s",
        [job_id],
    ).fetchone()
    assert job is not None
    rows = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'measured'),"
        " count(*) FILTER (WHERE outcome = 'failed'), count(*) FILTER (WHERE outcome = 'cancelled')"
        " FROM results WHERE job_id = %s",
        [job_id],
    ).fetchone()
    assert rows is not None
    status, images, measured, failed, cancelled, finished = job
    assert rows == (images, measured, failed, cancelled)
    assert measured + failed + cancelled == images
    assert (status, finished) == ("cancelled" if cancelled else "failed" if failed else "completed", True)
    missing = connection.execute(
        "SELECT image_no FROM images LEFT JOIN results USING (job_id, image_no)"
        " WHERE job_id = %s AND outcome IS NULL",
        [job_id],
    ).fetchall()
    assert missing == []
    _check_copies(connection, job_id)
    assert connection.execute("SELECT * FROM slices WHERE job_id = %s", [job_id]).fetchall() == []
    assert connection.execute("SELECT * FROM grants WHERE job_id = %s", [job_id]).fetchall() == []


def _check_copies(connection: psycopg.Connection, job_id: str) -> None:
    """A copy repeats the URL of a first image and has its result; an unknown store has no copies."""
    unlike = connection.execute(
        "SELECT c.image_no FROM images c JOIN results r ON r.job_id = c.job_id AND r.image_no = c.image_no"
        " LEFT JOIN images f ON f.job_id = c.job_id AND f.image_no = c.same_as"
        " AND f.image_no < c.image_no AND f.image_url = c.image_url AND f.same_as IS NULL"
        " LEFT JOIN results s ON s.job_id = f.job_id AND s.image_no = f.image_no"
        " WHERE c.job_id = %s AND c.same_as IS NOT NULL"
        " AND to_jsonb(r) - 'image_no' - 'flags' IS DISTINCT FROM to_jsonb(s) - 'image_no' - 'flags'",
        [job_id],
    ).fetchall()
    assert unlike == []
    unknown = connection.execute(
        "SELECT image_no FROM images JOIN visits USING (job_id, visit_no)"
        " WHERE job_id = %s AND NOT store_known AND same_as IS NOT NULL",
        [job_id],
    ).fetchall()
    assert unknown == []
