"""Databases with flagged photos of many stores and jobs, made by statements and not by settles."""

from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, kw_only=True, slots=True)
class Many:
    """How many photos there are, which all are flagged, and of how many jobs, stores and areas."""

    photos: int
    jobs: int
    stores: int
    areas: int


# Photos follow each other by a second, four of them at the same moment; each visit has one. The flags of a
# photo, its store and its job have no common period.
_FILL = """
    INSERT INTO stores (store_id, area_code, store_name)
    SELECT format('S%%s', n), format('A%%s', n %% %(areas)s), format('Store %%s', n)
    FROM generate_series(0, %(stores)s - 1) n;

    CREATE TEMP TABLE made AS
    SELECT md5(format('job %%s', n %% %(jobs)s))::uuid AS job_id, (n / %(jobs)s + 1)::int AS image_no,
        format('S%%s', n * 7 %% %(stores)s) AS store_id,
        '2026-11-01T00:00:00Z'::timestamptz + n / 4 * interval '1 s' AS settled_at,
        (ARRAY['{dark}', '{blurred}', '{blurred,dark}', '{soft}', '{overexposed}', '{dark,blank}'])
            [n * 5 / 3 %% 6 + 1]::text[] AS flags
    FROM generate_series(0, %(photos)s - 1) n;

    INSERT INTO jobs (job_id, status, depth, images, measured, finished_at)
    SELECT job_id, 'completed', 'decode', count(*), count(*), now() FROM made GROUP BY job_id;
    INSERT INTO visits (job_id, visit_no, store_id, store_known, visit_time, first_image_no, images)
    SELECT job_id, image_no, store_id, true, 'noon', image_no, 1 FROM made;
    INSERT INTO images (job_id, image_no, visit_no, image_url)
    SELECT job_id, image_no, image_no, 'http://photos.example/' || image_no FROM made;
    INSERT INTO results (job_id, image_no, outcome, width, height, tries, flags, settled_at)
    SELECT job_id, image_no, 'measured', 30, 20, 1, flags, settled_at FROM made;
    INSERT INTO flagged_photos (job_id, image_no, flag, settled_at, store_id, area_code)
    SELECT job_id, image_no, flag, settled_at, store_id, area_code
    FROM made CROSS JOIN unnest(flags) flag JOIN stores USING (store_id);
    DROP TABLE made;
"""


def fill(url: str, many: Many, *, is_analysed: bool = False) -> None:
    """Fills a fresh database."""
    values = {"photos": many.photos, "jobs": many.jobs, "stores": many.stores, "areas": many.areas}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FILL, values)
        if is_analysed:
            connection.execute("VACUUM ANALYZE stores, visits, images, results, flagged_photos")
