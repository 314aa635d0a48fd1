"""Flagged photos move with their stores to another area, once an import has changed that.

In small steps behind the import, so that no settle waits for more than one of them. An import that is killed
in between leaves photos in their old area; the next one that changes a store moves them, as a repair does.
"""

from typing import Any

import psycopg

STEP_ROWS = 2_000

# Settles that have looked at the stores before the import was committed end before this is granted; those
# that come later wait for the table before they look.
_WAIT_FOR_SETTLES = "LOCK TABLE flagged_photos IN SHARE ROW EXCLUSIVE MODE"
_FIND = """
    CREATE TEMP TABLE moved AS
    SELECT p.job_id, p.image_no, p.flag, row_number() OVER (ORDER BY p.job_id, p.image_no, p.flag) AS place
    FROM flagged_photos p JOIN stores s USING (store_id)
    WHERE p.area_code <> s.area_code
"""
# In the order in which they are deleted, so that neither waits for the other in a circle.
_MOVE = """
    WITH part AS MATERIALIZED (
        SELECT p.job_id, p.image_no, p.flag, p.store_id
        FROM moved m JOIN flagged_photos p USING (job_id, image_no, flag)
        WHERE m.place BETWEEN %s AND %s
        ORDER BY job_id, image_no, flag FOR UPDATE OF p)
    UPDATE flagged_photos p SET area_code = s.area_code
    FROM part JOIN stores s USING (store_id)
    WHERE p.job_id = part.job_id AND p.image_no = part.image_no AND p.flag = part.flag
"""


def move_flagged_photos(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Lists flagged photos under the areas that their stores have now. `connection` is in no transaction."""
    with connection.transaction():
        connection.execute(_WAIT_FOR_SETTLES)
    count = connection.execute(_FIND).rowcount
    connection.execute("CREATE INDEX ON moved (place)")
    connection.execute("ANALYZE moved")
    for first in range(1, count + 1, STEP_ROWS):
        connection.execute(_MOVE, [first, first + STEP_ROWS - 1], prepare=False)
