"""The columns of the table of results in SQL: those that are written, and rows of them to compare.

Which there are, and of what types, `schema.image_facts` says; how they are read is `pages`'.
"""

from psycopg import sql

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


def row(table: str) -> sql.Composed:
    """All that is said of an image, as a list of values of a row with that name."""
    return sql.SQL(", ").join(sql.Identifier(table, name) for name in _SAID)


def storable(text: str | None) -> str | None:
    """A text without what PostgreSQL refuses: one such would keep its whole batch from being written."""
    return text and text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
