"""How the fields of a record are kept in PostgreSQL: the type of each column, and how its values look.

SQL itself is the storage's; a test compares the types with the tables of a real database.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, get_args, get_type_hints

import msgspec


class SqlType(StrEnum):
    """The type of a column, as PostgreSQL's format_type() writes it."""

    TEXT = "text"
    TEXTS = "text[]"
    """A list in a record; in files other than NDJSON one text with blanks between them."""
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    DOUBLE = "double precision"
    BOOLEAN = "boolean"
    BYTEA = "bytea"
    """Hexadecimal text in a record."""
    TIMESTAMPTZ = "timestamp with time zone"
    JSON = "json"
    """An object in a record, a text in formats that have no objects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """How a field is kept; stands among the annotations of the field.

    `is_generated`: PostgreSQL makes the value from other columns. `is_distinct`: hardly any value comes
    twice. `is_of_visit`: images that share a result may differ in it. `octets` is the length of each value
    of a BYTEA, which must have one. `column` is what the table calls it; empty: as the field.
    """

    sql_type: SqlType
    table: str = "results"
    is_generated: bool = False
    is_distinct: bool = False
    is_of_visit: bool = False
    octets: int | None = None
    column: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A field of a record with all that is said of it.

    `default` is None or what stands in place of NULL; `words` are the only values, if these are known;
    `group` is the object that the field stands in where there are objects, if it is in one.
    """

    name: str
    stored: Stored
    default: Any
    example: Any
    words: type[StrEnum] | None
    group: str | None = None

    @property
    def sql_type(self) -> SqlType:
        """The type of the column."""
        return self.stored.sql_type

    @property
    def stored_name(self) -> str:
        """What the table calls the column."""
        return self.stored.column or self.name

    @property
    def is_free_text(self) -> bool:
        """Whether a stranger may have written the values: a URL, an id, what a decoder says."""
        return self.sql_type in {SqlType.TEXT, SqlType.JSON} and self.words is None


def columns_of(record: type[msgspec.Struct]) -> tuple[Column, ...]:
    """The columns of a record in the order of its fields; fields that are no columns are left out.

    The columns of a field that is a record of columns come in its place, as a group.
    """
    return tuple(_columns(record))


def flat_names(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """All that a row of a file has of a record, in its order: a field, or the columns of its group."""
    groups: dict[str, list[str]] = {}
    for column in columns_of(record):
        if column.group is not None:
            groups.setdefault(column.group, []).append(column.name)
    return tuple(name for field in record.__struct_fields__ for name in groups.get(field, [field]))


def _columns(record: type[msgspec.Struct]) -> Iterator[Column]:
    hints = get_type_hints(record, include_extras=True)
    for field in msgspec.structs.fields(record):
        notes = get_args(hints[field.name])
        metas = [note for note in notes if isinstance(note, msgspec.Meta)]
        examples = [example for meta in metas for example in meta.examples or ()]
        if notes and isinstance(notes[0], type) and issubclass(notes[0], msgspec.Struct):
            yield from (replace(column, group=field.name) for column in _columns(notes[0]))
        words = [meta.extra["words"] for meta in metas if meta.extra and meta.extra.get("words")]
        for stored in notes:
            if isinstance(stored, Stored):
                yield Column(
                    name=field.name,
                    stored=stored,
                    default=_default(field),
                    example=examples[0] if examples else None,
                    words=words[0] if words else None,
                )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.default is msgspec.NODEFAULT else field.default
