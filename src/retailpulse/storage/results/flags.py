"""Flags that are raised or dropped after a photo was settled."""

from collections.abc import Sequence
from uuid import UUID

from retailpulse.domain.flags import Flag
from retailpulse.storage.postgres.database import Connection

_CHANGE = """
    UPDATE results r SET flags = wanted.flags
    FROM unnest(%(image_nos)s::int[]) AS image (number) CROSS JOIN LATERAL (
        SELECT o.image_no, nullif(ARRAY(
            SELECT flag FROM unnest(%(flags)s::text[]) WITH ORDINALITY AS known (flag, number)
            WHERE (flag = ANY(o.flags) OR flag = ANY(%(add)s)) AND flag <> ALL(%(drop)s)
            ORDER BY number), '{}') AS flags
        FROM results o WHERE o.job_id = %(job_id)s AND o.image_no = image.number AND o.outcome = 'measured'
        OFFSET 0) wanted
    WHERE r.job_id = %(job_id)s AND r.image_no = wanted.image_no AND r.flags IS DISTINCT FROM wanted.flags
"""


async def change_flags(
    connection: Connection,
    job_id: UUID,
    image_nos: Sequence[int],
    *,
    add: Sequence[Flag] = (),
    drop: Sequence[Flag] = (),
) -> int:
    """Raises and drops flags of measured images of a job; returns how many results have changed by that.

    The caller has locked these results, in the order of their job and number.
    """
    if not image_nos:
        return 0
    values = {
        "job_id": job_id,
        "image_nos": list(image_nos),
        "flags": list(map(str, Flag)),
        "add": list(map(str, add)),
        "drop": list(map(str, drop)),
    }
    cursor = await connection.execute(_CHANGE, values)
    return cursor.rowcount
