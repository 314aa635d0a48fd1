"""The columns of the table of results in SQL: those that are written, and rows of them to compare.

Which there are, and of what types, `schema.image_facts` says; how they are read is `pages`'.
"""

from psycopg import sql

from retailpulse.domain.flags import FLAGS_OF_PICTURE
from retailpulse.schema import FACTS
from retailpulse.schema.columns import SqlType

_SAID = ("outcome", "cause", "detail", *(fact.name for fact in FACTS), "tries", "analyzed")

WRITTEN = sql.SQL(", ").join(map(sql.Identifier, _SAID))
"""All that is said of an image, beside its job and number, and which analyzers looked at it."""

_VALUES = {SqlType.BYTEA: "decode({name}, 'hex')", SqlType.TEXTS: "nullif({name}, '{{}}')"}
"""How values of a type are made from JSON, if not by themselves; an empty list takes no space as NULL."""
FROM_JSON = sql.SQL(", ").join(
    sql.SQL(_VALUES.get(fact.sql_type, "{name}")).format(name=sql.Identifier(fact.name)) for fact in FACTS
)
"""The facts of a row of JSON as values of the table."""

JSON_TYPES = sql.SQL(", ").join(
    sql.SQL("{name} {kind}").format(
        name=sql.Identifier(fact.name),
        kind=sql.SQL(SqlType.TEXT if fact.sql_type is SqlType.BYTEA else fact.sql_type),
    )
    for fact in FACTS
)
"""The facts of a row of JSON, with their types."""


_OF_VISIT = {fact.name for fact in FACTS if fact.stored.is_of_visit}


def shared_row(table: str) -> sql.Composed:
    """What all images of one URL share, as a list of values of a row with that name."""
    shared = [sql.Identifier(table, name) for name in _SAID if name not in _OF_VISIT | {"flags"}]
    flags = sql.SQL("ARRAY(SELECT flag FROM unnest({flags}) flag WHERE flag = ANY({of_picture}))").format(
        flags=sql.Identifier(table, "flags"), of_picture=sql.Literal(sorted(map(str, FLAGS_OF_PICTURE)))
    )
    return sql.SQL(", ").join([*shared, flags])


def given_by_visit(table: str, given: str) -> sql.Composed:
    """The values to write for an image: those of a row, with what depends on its visit from another."""
    flags = sql.SQL("nullif({flags}, '{{}}')").format(flags=sql.Identifier(given, "flags"))
    return sql.SQL(", ").join(
        flags if name == "flags" else sql.Identifier(given if name in _OF_VISIT else table, name)
        for name in _SAID
    )


def storable(text: str | None) -> str | None:
    """A text without what PostgreSQL refuses: one such would keep its whole batch from being written."""
    return text and text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
