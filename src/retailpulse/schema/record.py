"""What every record is: typed, and described where it is written down.

How a field is described is for readers alone and is not checked when a record is read: a client must take
what a newer service answers. What a client sends is checked by shapes of the API's own.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_type_hints

import msgspec
from msgspec import Meta

WORDS, LEFT_OUT, ALWAYS = "x-words", "x-left-out", "x-always"
"""Notes on a field for the API's description, which turns them into its own terms."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records. A default is what a reader assumes if an older service leaves the field out."""

    def to_json(self) -> str:
        """The same as JSON."""
        return msgspec.json.encode(self).decode()


def described(
    description: str,
    *,
    example: Any = None,
    words: type[StrEnum] | None = None,
    is_left_out: bool = False,
    **schema: Any,
) -> Meta:
    """Describes a field of a record. `schema` holds further terms of JSON Schema, for readers only.

    `words` are those known today: the field's type is `str`, because a newer service may know more. An
    answer holds each field; one that `is_left_out` is absent in place of None.
    """
    notes = schema | ({LEFT_OUT: True} if is_left_out else {ALWAYS: True})
    if words is not None:
        notes[WORDS] = words.__name__
    return Meta(
        description=description,
        examples=None if example is None else [example],
        extra_json_schema=notes,
        extra={"words": words},
    )


class Joined(msgspec.StructMeta):
    """Makes a record with the fields of all its bases, in their order; msgspec allows one base with fields.

    The record descends from Record alone, and keeps the docstring of its class statement, but no methods.
    """

    def __new__(
        mcls, name: str, bases: tuple[type[msgspec.Struct], ...], namespace: dict[str, Any], **options: Any
    ) -> Any:
        """Gives the record; `options` are those of a Struct."""
        kept = {"__doc__": namespace.get("__doc__")}
        fields = [field for base in bases for field in fields_of(base)]
        module = namespace["__module__"]
        return msgspec.defstruct(name, fields, bases=(Record,), namespace=kept, module=module, **options)


def fields_of(record: type[msgspec.Struct]) -> Iterator[tuple[str, Any, Any]]:
    """The fields of a record as `msgspec.defstruct` takes them: name, type with its description, default."""
    hints = get_type_hints(record, include_extras=True)
    for field in msgspec.structs.fields(record):
        given = {"default": field.default, "default_factory": field.default_factory}
        yield field.name, hints[field.name], msgspec.field(**given)
