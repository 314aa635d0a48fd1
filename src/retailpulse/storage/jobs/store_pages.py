"""The stores of a job as a table for people: sorted, searched, only those with failures or with flags.

Each page is a range of an index of kept counts, whatever the job has of images. Weak: of the stores whose
ids begin with a text, those that failed are found by reading through all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import looked_up


class StoreOrder(StrEnum):
    """What the stores of a job are sorted by; by counts, only those that have any are shown."""

    JOB = "job"
    """As they first appear in the job."""
    STORE_ID = "store"
    FAILED = "failed"
    FLAGGED = "flagged"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreTable:
    """Which stores are asked for, and how they are sorted; `text` is how their ids begin, in any case."""

    order: StoreOrder = StoreOrder.JOB
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StorePlace:
    """The position of a store in a table: what it is sorted by, and the visit with which it appears."""

    key: str | int
    first_visit_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreCounts:
    """A store of a job; `causes` has the most frequent first, and `store_name` is None if it is unknown."""

    first_visit_no: int
    store_id: str
    store_name: str | None
    images: int
    failed: int
    flagged: int
    causes: Mapping[str, int]
    key: str | int

    @property
    def place(self) -> StorePlace:
        """Its position in the table."""
        return StorePlace(key=self.key, first_visit_no=self.first_visit_no)


# As the index has it, word for word.
_ID = sql.SQL('lower(left(store_id, 200)) COLLATE "C"')
_KEYS: dict[StoreOrder, sql.Composable] = {
    StoreOrder.JOB: sql.SQL("0"),
    StoreOrder.STORE_ID: _ID,
    StoreOrder.FAILED: sql.SQL("failed"),
    StoreOrder.FLAGGED: sql.SQL("flagged"),
}
# A store whose name is asked for is looked up by its key, after the page is found.
_PAGE = sql.SQL("""
    SELECT page.first_visit_no, page.store_id, s.store_name, page.images, page.failed, page.flagged,
        page.causes, page.key
    FROM (
        SELECT *, {key} AS key FROM job_stores WHERE job_id = %(job_id)s {conditions}
        ORDER BY {order} LIMIT %(limit)s) page
    LEFT JOIN LATERAL (SELECT store_name FROM stores WHERE store_id = page.store_id OFFSET 0) s ON true
    ORDER BY {order_of_page}
""")
_BEGINS = sql.SQL(" AND {key} >= %(text)s AND {key} < %(end)s").format(key=_ID)
_AFTER_VISIT = sql.SQL(" AND first_visit_no > %(after_no)s")
_AFTER_KEY = sql.SQL(" AND ({key}, first_visit_no) > (%(after_key)s, %(after_no)s)")
_BEFORE_KEY = sql.SQL(" AND ({key}, first_visit_no) < (%(after_key)s, %(after_no)s)")


async def read_store_table(
    connection: Connection, job_id: UUID, wanted: StoreTable, *, after: StorePlace | None, limit: int
) -> list[StoreCounts]:
    """The next stores after a place."""
    text = wanted.text.lower()
    values = {"job_id": job_id, "text": text, "end": f"{text}\U0010ffff", "limit": limit}
    if after is not None:
        values |= {"after_key": after.key, "after_no": after.first_visit_no}
    cursor = connection.cursor(row_factory=class_row(StoreCounts))
    async with looked_up(connection):
        await cursor.execute(_statement(wanted, after), values, prepare=False)
        return [_in_order(row) for row in await cursor.fetchall()]


def _statement(wanted: StoreTable, after: StorePlace | None) -> sql.Composed:
    key = _KEYS[wanted.order]
    is_by_count = wanted.order in {StoreOrder.FAILED, StoreOrder.FLAGGED}
    conditions: list[sql.Composable] = []
    if wanted.text:
        conditions.append(_BEGINS)
    if wanted.order is StoreOrder.FAILED:
        conditions.append(sql.SQL(" AND failed > 0"))
    if wanted.order is StoreOrder.FLAGGED:
        conditions.append(sql.SQL(" AND flagged > 0"))
    if after is not None:
        by_key = _BEFORE_KEY if is_by_count else _AFTER_KEY
        conditions.append(_AFTER_VISIT if wanted.order is StoreOrder.JOB else by_key.format(key=key))
    down = sql.SQL(" DESC" if is_by_count else "")
    order = sql.SQL("{key}{down}, first_visit_no{down}").format(key=key, down=down)
    of_page = sql.SQL("page.key{c}{down}, page.first_visit_no{down}").format(
        c=sql.SQL(' COLLATE "C"' if wanted.order is StoreOrder.STORE_ID else ""), down=down
    )
    return _PAGE.format(
        key=key,
        conditions=sql.SQL("").join(conditions),
        order=sql.SQL("first_visit_no") if wanted.order is StoreOrder.JOB else order,
        order_of_page=of_page,
    )


def _in_order(row: StoreCounts) -> StoreCounts:
    ordered: dict[str, Any] = dict(sorted(row.causes.items(), key=lambda one: (-one[1], one[0])))
    object.__setattr__(row, "causes", ordered)
    return row
