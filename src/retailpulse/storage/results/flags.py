"""Changes flags of results that are settled already: what is not known yet when an image is settled."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import sql

from retailpulse.domain.flags import Flag
from retailpulse.storage.postgres.database import Connection

_CHANGE = sql.SQL("""
    UPDATE results r SET flags = nullif(n.flags, '{{}}')
    FROM (
        SELECT image_no, ARRAY(
            SELECT flag FROM unnest({order}::text[]) WITH ORDINALITY AS f (flag, place)
            WHERE flag = ANY(%(add)s) OR (flag = ANY(flags) AND flag <> ALL(%(drop)s))
            ORDER BY place) AS flags
        FROM results WHERE job_id = %(job_id)s AND image_no = ANY(%(image_nos)s)
        ORDER BY image_no FOR NO KEY UPDATE) n
    WHERE r.job_id = %(job_id)s AND r.image_no = n.image_no
      AND r.flags IS DISTINCT FROM nullif(n.flags, '{{}}')
""").format(order=sql.Literal(list(map(str, Flag))))


async def change_flags(
    connection: Connection,
    job_id: UUID,
    image_nos: Sequence[int],
    *,
    add: Sequence[Flag] = (),
    drop: Sequence[Flag] = (),
) -> int:
    """Adds and takes away flags of images of a job, in the order of `Flag`; returns how many rows changed."""
    values = {"job_id": job_id, "image_nos": list(image_nos), "add": list(add), "drop": list(drop)}
    cursor = await connection.execute(_CHANGE, values, prepare=False)
    return cursor.rowcount
