"""Databases with stores, visits and results as reports meet them, made by statements and not by jobs."""

from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """How much there is: each store has a visit on each day, and each visit so many images."""

    areas: int
    stores_of_area: int
    days: int
    images: int = 3
    job_days: int = 7


# Of each visit the first image is measured and every fifth of these suspect, the second has failed, the third
# is cancelled, and further ones have no result.
_FILL = """
    INSERT INTO stores (store_id, area_code, store_name)
    SELECT format('S%%s-%%s', to_char(area, 'FM0000'), to_char(store, 'FM0000')),
        format('A%%s', to_char(area, 'FM0000')), format('Store %%s', store)
    FROM generate_series(1, %(areas)s) area, generate_series(1, %(stores_of_area)s) store;

    CREATE TEMP TABLE made AS
    SELECT md5(format('job %%s', (day - 1) / %(job_days)s))::uuid AS job_id, s.store_id, day,
        '2026-01-01T10:00:00Z'::timestamptz + (day - 1) * interval '1 day' AS visited_at,
        row_number() OVER (PARTITION BY (day - 1) / %(job_days)s ORDER BY day, s.store_id)::int AS visit_no
    FROM stores s, generate_series(1, %(days)s) day;

    INSERT INTO jobs (job_id, status, depth, images, name)
    SELECT job_id, 'ongoing', 'decode', count(*) * %(images)s, 'week ' || min((day - 1) / %(job_days)s)
    FROM made GROUP BY job_id;

    INSERT INTO visits
        (job_id, visit_no, store_id, store_known, visit_time, visited_at, first_image_no, images)
    SELECT job_id, visit_no, store_id, true, visited_at::text, visited_at, (visit_no - 1) * %(images)s + 1,
        %(images)s
    FROM made;

    INSERT INTO results (job_id, image_no, outcome, cause, format, width, height, suspect, tries)
    SELECT job_id, (visit_no - 1) * %(images)s + image,
        (ARRAY['measured', 'failed', 'cancelled'])[image],
        (ARRAY[NULL, 'http_status', 'cancelled'])[image],
        CASE image WHEN 1 THEN 'jpeg' END, CASE image WHEN 1 THEN 30 END, CASE image WHEN 1 THEN 20 END,
        CASE WHEN image = 1 AND visit_no %% 5 = 0 THEN 'zeros' END, 1
    FROM made, generate_series(1, least(%(images)s, 3)) image;
    DROP TABLE made;
"""


def fill(url: str, filled: Filled, *, is_analysed: bool = True) -> None:
    """Fills a fresh database."""
    values = {
        "areas": filled.areas,
        "stores_of_area": filled.stores_of_area,
        "days": filled.days,
        "images": filled.images,
        "job_days": filled.job_days,
    }
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FILL, values)
        if is_analysed:
            connection.execute("VACUUM ANALYZE stores, visits, results")
