"""The store master as it is searched: by how an id or a name begins, by what stands in them, by area.

Stores come in three parts: first those whose id begins with what is looked for, then those whose name does,
both along an index; then those that hold it anywhere else, by reading through the master. In areas, or
among stores that are named, all that hold it come by their ids. One statement reads a bounded number of
stores, so that no search holds up others. Weak: among millions of stores a search for a few that hold
something in the middle takes several statements, a second or two for five million stores in all.
"""

from dataclasses import dataclass
from enum import IntEnum

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain.texts import without_accents
from retailpulse.schema import Area, Store
from retailpulse.storage.postgres.database import Connection

MOST_READ = 500_000
"""How many stores one statement reads through."""


class Part(IntEnum):
    """The part of a store in which the text was found; stores come in this order."""

    ID = 1
    NAME = 2
    WITHIN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFilter:
    """Which stores are asked for; what is empty asks for nothing, of several values each will do.

    `text` is looked for in ids and names, in whatever case.
    """

    text: str = ""
    area_codes: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()

    @property
    def first_part(self) -> Part:
        """The place at which the search begins."""
        return Part.ID if self.text and not (self.area_codes or self.store_ids) else Part.WITHIN


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreCursor:
    """The position of a store in the order of a search: its part, the key of that order, and its id."""

    part: Part
    key: str
    store_id: str


_ID = sql.SQL('lower(store_id) COLLATE "C"')
_NAME = sql.SQL('lower(left(store_name, 200)) COLLATE "C"')
_ID_BEGINS = sql.SQL("({key} >= %(text)s AND {key} < %(end)s)").format(key=_ID)
_NAME_BEGINS = sql.SQL("({key} >= %(text)s AND {key} < %(end)s)").format(key=_NAME)
_ID_IS_OTHER = sql.SQL("NOT ") + _ID_BEGINS
_NAME_IS_OTHER = sql.SQL("NOT ") + _NAME_BEGINS
_ANY = sql.SQL("true")
# Of stores that no import has folded. What lower() may not know of, capitals beyond ASCII, is turned by us.
_FOLDED = sql.SQL("""
    CASE WHEN octet_length({column}) = length({column}) THEN lower({column})
    ELSE lower(translate(regexp_replace(normalize({column}, NFD), '[\\u0300-\\u036f]', '', 'g'),
        %(capitals)s, %(smalls)s)) END""")
_HOLDS = sql.SQL("""
    CASE WHEN folded IS NOT NULL THEN strpos(folded, %(held)s) > 0
    ELSE strpos({}, %(held)s) > 0 OR strpos({}, %(held)s) > 0 END
""").format(*(_FOLDED.format(column=sql.Identifier(name)) for name in ("store_id", "store_name")))
# Few hold it, so that only of these is asked how they begin.
_HOLDS_ALONE = sql.SQL("CASE WHEN {} THEN {} AND {} ELSE false END").format(
    _HOLDS, _ID_IS_OTHER, _NAME_IS_OTHER
)
# The place and how a key begins are one lower bound: of two the index would use only the first.
_KEYS = sql.SQL("({key}, store_id) > (%(after_key)s, %(after_id)s) AND {key} < %(end)s")
_AFTER_ID = sql.SQL("store_id > %(after_id)s")
_IN_AREA = sql.SQL("area_code = %(area_code)s")
_IN_STORES = sql.SQL("store_id = ANY(%(store_ids)s)")
_MASTER = sql.SQL("stores")
# Area by area, so that each is read along its index.
_AREAS_ALONE = sql.SQL("""(
    SELECT s.* FROM unnest(%(area_codes)s::text[]) AS asked (code) CROSS JOIN LATERAL (
        SELECT * FROM stores WHERE area_code = asked.code AND store_id > %(after_id)s
        ORDER BY store_id LIMIT %(most)s) s) stores""")

# The last line is asked for only if the others are fewer than the limit: how far was read, if not all.
_READ = sql.SQL("""
    (SELECT store_id, area_code, store_name, latitude, longitude, key, true AS is_wanted
     FROM (SELECT *, {key} AS key FROM {stores} WHERE {read} ORDER BY {order} LIMIT %(most)s) walked
     WHERE {wanted})
    UNION ALL
    (SELECT store_id, '', '', NULL, NULL, {key}, false FROM {stores} WHERE {read} ORDER BY {order}
     OFFSET %(most)s - 1 LIMIT 1)
    LIMIT %(limit)s
""")

_AREAS = """
    SELECT area_code, count(*) AS stores FROM stores
    WHERE area_code = ANY(ARRAY(
        WITH RECURSIVE code AS (
            (SELECT area_code FROM stores WHERE area_code > %(after)s ORDER BY area_code LIMIT 1)
            UNION ALL
            SELECT (SELECT area_code FROM stores WHERE area_code > code.area_code ORDER BY area_code LIMIT 1)
            FROM code WHERE code.area_code IS NOT NULL)
        SELECT area_code FROM code WHERE area_code IS NOT NULL LIMIT %(limit)s))
    GROUP BY area_code ORDER BY area_code
"""

_FIND = "SELECT store_id, area_code, store_name, latitude, longitude FROM stores WHERE store_id = %s"


async def read_stores(
    connection: Connection, wanted: StoreFilter, *, after: StoreCursor, limit: int
) -> tuple[list[tuple[Store, StoreCursor]], StoreCursor | None]:
    """The next stores of one part after a place, each with its own.

    Returns also the place up to which the part was read if that is not its end.
    """
    held = without_accents(wanted.text)
    capitals, smalls = _beyond_ascii(held)
    values = {
        "text": wanted.text,
        "held": held,
        "end": f"{wanted.text}\U0010ffff",
        "capitals": capitals,
        "smalls": smalls,
        "area_code": wanted.area_codes[0] if wanted.area_codes else "",
        "area_codes": list(wanted.area_codes),
        "store_ids": list(wanted.store_ids),
        "after_key": after.key or wanted.text,
        "after_id": after.store_id,
        "most": MOST_READ if wanted.text else limit,
        "limit": limit,
    }
    cursor = await connection.execute(_statement(wanted, after.part), values, prepare=False)
    rows = await cursor.fetchall()
    found, reached = [], None
    for store_id, area_code, store_name, latitude, longitude, key, is_wanted in rows:
        reached = StoreCursor(part=after.part, key=key, store_id=store_id)
        if is_wanted:
            row = Store(
                store_id=store_id,
                area_code=area_code,
                store_name=store_name,
                latitude=latitude,
                longitude=longitude,
            )
            found.append((row, reached))
    is_end = len(found) == len(rows) < limit
    return found, None if is_end else reached


def _statement(wanted: StoreFilter, part: Part) -> sql.Composed:
    if part is not Part.WITHIN:
        key = _ID if part is Part.ID else _NAME
        test = _ID_IS_OTHER if part is Part.NAME else _ANY
        order = sql.SQL("{key}, store_id").format(key=key)
        return _READ.format(key=key, stores=_MASTER, read=_KEYS.format(key=key), order=order, wanted=test)
    read = [_AFTER_ID]
    if len(wanted.area_codes) == 1:
        read.append(_IN_AREA)
    if wanted.store_ids:
        read.append(_IN_STORES)
    test = _HOLDS if wanted.text else _ANY
    if wanted.first_part is Part.ID:
        test = _HOLDS_ALONE
    return _READ.format(
        key=sql.SQL("''"),
        stores=_AREAS_ALONE if len(wanted.area_codes) > 1 else _MASTER,
        read=sql.SQL(" AND ").join(read),
        order=sql.SQL("store_id"),
        wanted=test,
    )


def _beyond_ascii(text: str) -> tuple[str, str]:
    """The capitals of a text's letters beyond ASCII, and these letters themselves."""
    pairs = [(letter.upper(), letter) for letter in sorted(set(text)) if not letter.isascii()]
    known = [(capital, small) for capital, small in pairs if len(capital) == 1 and capital != small]
    return "".join(capital for capital, _ in known), "".join(small for _, small in known)


async def find_store(connection: Connection, store_id: str) -> Store | None:
    """The store with an id, or None if there is none."""
    cursor = connection.cursor(row_factory=class_row(Store))
    await cursor.execute(_FIND, [store_id])
    return await cursor.fetchone()


async def read_areas(connection: Connection, *, after: str, limit: int) -> list[Area]:
    """The next areas after a code, with their stores counted: ten million a second or so."""
    cursor = connection.cursor(row_factory=class_row(Area))
    await cursor.execute(_AREAS, {"after": after, "limit": limit})
    return await cursor.fetchall()
