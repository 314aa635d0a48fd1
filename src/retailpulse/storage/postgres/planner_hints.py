"""How the rows of one job are joined while PostgreSQL knows nothing of them yet.

It estimates a job by the size of those that its statistics have seen. Of a large one among small ones it
would compare each row with each.
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
