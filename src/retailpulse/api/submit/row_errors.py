"""What is wrong with the rows of one submit, or may be a mistake: listed up to a bound, all counted.

A row is a line of a file, or a visit of a JSON document. What is wrong, `visit_validator` and readers say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from retailpulse.schema.submits import MAX_ROW_ERRORS, RowError, SubmitWarning
from retailpulse.web.errors import InvalidRows

_MAX_EXAMPLE = 100


class RowKind(StrEnum):
    """What a row is, and so what its number counts, from 1."""

    LINE = "line"
    VISIT = "visit"


class OnBadRow(StrEnum):
    """What becomes of a submit with rows that are wrong."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(slots=True)
class _Warned:
    detail: str
    example: str | None
    number: int
    is_typical: bool
    count: int = 0


class RowErrors:
    """Errors and warnings of the rows of one submit, in the order in which they are found."""

    def __init__(self, kind: RowKind) -> None:
        self.kind = kind
        self.errors: list[RowError] = []
        self.error_count = 0
        self.row_count = 0
        """Rows with an error."""
        self.read_as: str | None = None
        """How a table was read, in plain words."""
        self._last_row = 0
        self._first_text = ""
        self._warned: dict[str, _Warned] = {}

    def add(self, number: int, field: str | None, reason: str) -> None:
        """Adds what is wrong with a field of a row; `field` may name a place in a list: `image_url[1]`."""
        self.error_count += 1
        if number != self._last_row:
            self._last_row = number
            self.row_count += 1
        if self.error_count == 1:
            self._first_text = self.text_of(number, field, reason)
        if len(self.errors) < MAX_ROW_ERRORS:
            column, bracket, _ = (field or "").partition("[")
            self.errors.append(
                RowError(
                    **{self.kind: number},
                    column=column or None,
                    reason=f"{field}: {reason}" if bracket else reason,
                )
            )

    def text_of(self, number: int, field: str | None, reason: str) -> str:
        """An error as one text that says where it is."""
        if self.kind is RowKind.LINE:
            return f"line {number}: {field}: {reason}" if field else f"line {number}: {reason}"
        return f"visits[{number - 1}]{f'.{field}' if field else ''} (visit {number}): {reason}"

    def warn(
        self, code: str, number: int, detail: str, example: str | None, *, is_typical: bool = True
    ) -> None:
        """Adds a warning; of each code the first that is typical is shown, and how many there are."""
        found = self._warned.get(code)
        count = found.count if found else 0
        if found is None or (is_typical and not found.is_typical):
            shown = None if example is None else example[:_MAX_EXAMPLE]
            found = self._warned[code] = _Warned(detail, shown, number, is_typical)
        found.count = count + 1

    def warnings(self) -> list[SubmitWarning]:
        """The warnings, one for each code."""
        return [
            SubmitWarning(
                code=code,
                count=one.count,
                detail=one.detail,
                example=one.example,
                **{self.kind: one.number},
            )
            for code, one in self._warned.items()
        ]

    def refusal(self, *fatal: str) -> InvalidRows:
        """All that is wrong, as one error; `fatal` is what nothing could be read after."""
        first = self._first_text if self.error_count else fatal[0]
        others = self.error_count - 1 + len(fatal)
        text = f"{first}; and {others} more error{'s' if others > 1 else ''}" if others else first
        return invalid_rows(text, [*self.errors, *(RowError(reason=reason) for reason in fatal)], others + 1)


def invalid_rows(text: str, errors: Sequence[RowError], count: int) -> InvalidRows:
    """An error whose answer lists the rows that are wrong."""
    return InvalidRows(text, errors=[msgspec.to_builtins(error) for error in errors], error_count=count)
