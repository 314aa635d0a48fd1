"""How many workers are alive."""

from retailpulse.storage.database import Connection

QUEUE = "chunks"


async def count_workers(connection: Connection, stale_seconds: float) -> int:
    """How many workers have said lately that they are alive."""
    cursor = await connection.execute(
        "SELECT count(*) FROM workers WHERE beat_at > now() - make_interval(secs => %s)", [stale_seconds]
    )
    ((count,),) = await cursor.fetchall()
    return int(count)
