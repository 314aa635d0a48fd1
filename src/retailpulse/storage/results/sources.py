"""Where a page of results has the numbers of the images from that it looks at, of a window of a job.

All of the window, or only those that may be wanted, along an index that has them. Each is in their order.
"""

from psycopg import sql

ALL = sql.SQL("""
    SELECT image_no FROM images
    WHERE job_id = {job_id} AND image_no BETWEEN {first} AND {last} ORDER BY image_no""")
# A window in which each image has a result is passed over at the cost of counting them.
UNSETTLED = sql.SQL("""
    SELECT image_no FROM images
    WHERE job_id = {job_id} AND image_no BETWEEN {first} AND {last}
        AND (SELECT count(*) FROM results
             WHERE job_id = {job_id} AND image_no BETWEEN {first} AND {last}) <= {last} - {first}
    ORDER BY image_no""")
# Found by an index of such rows alone.
WITH = sql.SQL("""
    SELECT image_no FROM results
    WHERE job_id = {job_id} AND image_no BETWEEN {first} AND {last} AND {column} IS NOT NULL
    ORDER BY image_no""")
# Those of one cause stand together in an index.
WITH_CAUSE = sql.SQL("""
    SELECT image_no FROM results WHERE job_id = {job_id} AND cause = {cause}
        AND image_no BETWEEN {first} AND {last} ORDER BY image_no""")
NOT_YET_MEASURED = sql.SQL("({unsettled}) UNION ({failed}) ORDER BY image_no")
# Visits of the job by the two indexes on stores, that of known and that of unknown ones.
OF_STORES = sql.SQL("""
    SELECT number AS image_no
    FROM (
        SELECT first_image_no, images FROM visits
        WHERE store_known AND store_id = ANY({store_ids}) AND job_id = {job_id}
        UNION ALL
        SELECT first_image_no, images FROM visits
        WHERE NOT store_known AND hashtextextended(store_id, 0) = ANY(
                SELECT hashtextextended(wanted, 0) FROM unnest({store_ids}::text[]) wanted)
            AND store_id = ANY({store_ids}) AND job_id = {job_id}) v
    CROSS JOIN LATERAL generate_series(
        greatest(first_image_no, {first}), least(first_image_no + images - 1, {last})) number
    ORDER BY number""")
