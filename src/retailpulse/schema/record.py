"""What every record is: typed, and described where it is written down.

How a field is described is for readers alone and is not checked when a record is read: a client must take
what a newer service answers. What a client sends is checked by shapes of the API's own.
"""

from enum import StrEnum
from typing import Any

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
