"""The sender's own columns of a row, which come back with its results: an object of texts, as JSON.

Their number and size are limited, since they are kept for each image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from retailpulse.schema import Result

_TEXTS = msgspec.json.Decoder(dict[str, str])
_RESULT_COLUMNS = frozenset(Result.__struct_fields__) - {"extra"}
_MARKS = frozenset({"image_no", "outcome"})
"""A row with both is one of our own exports: what it says of the result is no column of its sender."""
_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtraLimits:
    """How much a row may have: columns with a value, and bytes of all of it as JSON."""

    columns: int = 50
    row_bytes: int = 4_096

    def why_refused(self, columns: int, text: str) -> str | None:
        """Why a row has too much; None if it has not."""
        if columns > self.columns:
            return f"it has {columns} columns of its own, more than {self.columns}; leave some out"
        if len(text) > self.row_bytes or len(text.encode()) > self.row_bytes:
            return f"its own columns have more than {self.row_bytes} bytes; shorten them, or leave some out"
        if "\\u0000" in text:
            return "a column of its own holds a NUL character; leave it out"
        return None


def as_json(columns: Mapping[str, Any]) -> tuple[int, str | None]:
    """How many columns have a value, and these as a JSON object of texts; None if there is none."""
    texts = {name: _text(value) for name, value in columns.items() if value is not None and value != ""}
    return len(texts), msgspec.json.encode(texts).decode() if texts else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def without_results(columns: Mapping[str, _Value]) -> Mapping[str, _Value]:
    """The columns without those that an export of results has given the row."""
    if not columns.keys() >= _MARKS:
        return columns
    return {name: value for name, value in columns.items() if name not in _RESULT_COLUMNS}


def expanded(columns: Mapping[str, str]) -> Mapping[str, str]:
    """The columns with those in place of `extra` that an export of results has gathered in it."""
    text = columns.get("extra", "")
    if not text.startswith("{"):
        return columns
    try:
        inner = _TEXTS.decode(text)
    except msgspec.DecodeError:
        return columns
    return {name: value for name, value in columns.items() if name != "extra"} | inner
