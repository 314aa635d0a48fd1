"""Deliveries of all jobs by their state, for the people who look after receivers.

It reads along an index of its own (migration 0026); the deliveries of one job are in `deliveries`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import kwargs_row

from retailpulse.domain.callbacks import DeliveryKey, DeliveryState
from retailpulse.schema import DeliveryTry
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.host_status import IN_INDEX_ORDER

MOST_COUNTED = 100
"""Counts of a state stop here."""

DeliveryPlace = tuple[datetime, UUID, int]
"""The end, the job and the number of a delivery: the list goes on after it."""

# Of each the last try alone: the log of all tries is the job's.
LIST = """
    SELECT d.job_id, d.delivery_no, d.url, d.ended_at, d.state, d.next_try_at, d.failures,
        d.job ->> 'name' AS job_name, d.tries -> -1 AS last_try,
        d.delivery_no = (SELECT max(other.delivery_no) FROM deliveries other
            WHERE other.job_id = d.job_id) AS is_last
    FROM deliveries d
    WHERE d.state = %(state)s
        AND (d.ended_at, d.job_id, d.delivery_no) < (%(ended_at)s, %(job_id)s, %(delivery_no)s)
    ORDER BY d.state DESC, d.ended_at DESC, d.job_id DESC, d.delivery_no DESC LIMIT %(limit)s
"""
COUNT = """
    SELECT state, (SELECT count(*) FROM (
        SELECT FROM deliveries d WHERE d.state = states.state LIMIT %(most)s) counted)::int
    FROM unnest(%(states)s::text[]) states (state)
"""
LATELY = """
    SELECT count(*)::int FROM (
        SELECT FROM deliveries WHERE state = %(state)s AND ended_at > now() - interval '1 day'
        LIMIT %(most)s) counted
"""
_FIRST: tuple[str, UUID, int] = ("infinity", UUID(int=2**128 - 1), 2**31 - 1)


class ListedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery among those of all jobs; only the last end of a job, `is_last`, can be told again.

    `failures` counts the tries in vain since it was to be sent, or a person asked for it again.
    """

    key: DeliveryKey
    job_name: str | None
    url: str
    ended_at: datetime
    state: DeliveryState
    next_try_at: datetime | None
    failures: int
    last_try: DeliveryTry | None
    is_last: bool

    @property
    def place(self) -> DeliveryPlace:
        """Its place in the list."""
        return self.ended_at, self.key.job_id, self.key.delivery_no


async def read_state(
    connection: Connection, state: DeliveryState, after: DeliveryPlace | None, limit: int
) -> list[ListedDelivery]:
    """Deliveries in a state, the last end first, after a place."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    ended_at, job_id, delivery_no = after or _FIRST
    given = {"state": state, "ended_at": ended_at, "job_id": job_id, "delivery_no": delivery_no}
    async with connection.transaction():
        await connection.execute(IN_INDEX_ORDER)
        await cursor.execute(LIST, {**given, "limit": limit})
        return await cursor.fetchall()


async def count_states(connection: Connection) -> dict[DeliveryState, int]:
    """How many deliveries are in each state, up to `MOST_COUNTED`."""
    given = {"states": list(map(str, DeliveryState)), "most": MOST_COUNTED}
    async with connection.transaction():
        await connection.execute(IN_INDEX_ORDER)
        cursor = await connection.execute(COUNT, given)
        return {DeliveryState(state): count for state, count in await cursor.fetchall()}


async def count_given_up_lately(connection: Connection) -> int:
    """How many deliveries of jobs that ended in the last day were given up, up to `MOST_COUNTED`."""
    given = {"state": DeliveryState.GIVEN_UP, "most": MOST_COUNTED}
    async with connection.transaction():
        await connection.execute(IN_INDEX_ORDER)
        ((count,),) = await (await connection.execute(LATELY, given)).fetchall()
    return int(count)


def _row(job_id: UUID, delivery_no: int, state: str, last_try: Any, **rest: Any) -> ListedDelivery:
    return ListedDelivery(
        key=DeliveryKey(job_id=job_id, delivery_no=delivery_no),
        state=DeliveryState(state),
        last_try=msgspec.convert(last_try, DeliveryTry | None),
        **rest,
    )
