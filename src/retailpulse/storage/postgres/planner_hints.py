"""How rows are found and joined while PostgreSQL knows nothing of them yet.

It estimates a job by the size of those that its statistics have seen. Of a large one among small ones it
would compare each row with each. A table that it has not looked at is small to it: it would sort it whole for
the first of its rows.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from retailpulse.storage.postgres.database import Connection


@asynccontextmanager
async def joined_by_hash(connection: Connection) -> AsyncIterator[None]:
    """Has the joins of a block, within a transaction, take time in proportion to their rows."""
    await connection.execute("SET LOCAL enable_nestloop = off")
    yield
    await connection.execute("SET LOCAL enable_nestloop = on")


@asynccontextmanager
async def read_along_index(connection: Connection) -> AsyncIterator[None]:
    """Has a block, in a transaction of its own, read rows in order along an index if one has that order."""
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_sort = off")
        yield


@asynccontextmanager
async def looked_up(connection: Connection) -> AsyncIterator[None]:
    """Has a block, in a transaction of its own, find each row by an index, and read no table whole.

    For many look-ups of few rows each, of which the planner would think that one whole reading is cheaper.
    """
    async with connection.transaction():
        await connection.execute(
            "SELECT set_config(name, 'off', true)"
            " FROM unnest('{enable_seqscan,enable_bitmapscan,enable_sort}'::text[]) name"
        )
        yield
