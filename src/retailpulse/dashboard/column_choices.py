"""The columns of a file as a form shows them: what each is taken for, and what else it may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retailpulse.tables import ColumnSpec, LookedAtColumn, named

SHOWN_COLUMNS = 100
LABELS: Mapping[str, str] = {
    "store_id": "Store ID",
    "image_url": "Photo URL",
    "visit_time": "Visit time",
    "AreaCode": "Area code",
    "StoreName": "Store name",
    "StoreID": "Store ID",
    "Latitude": "Latitude",
    "Longitude": "Longitude",
}
"""What the wanted columns are called on pages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An option of a select; its value is what `columns` of the API says, empty for what was found."""

    value: str
    text: str
    is_chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenColumn:
    """A column of a file with its options."""

    text: str
    samples: Sequence[str]
    is_used: bool
    choices: Sequence[Choice]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnChoices:
    """The columns of a file, how many more there are, and the labels of wanted ones that none is."""

    columns: Sequence[ChosenColumn]
    more: int
    missing: Sequence[str]


def choices_of(
    columns: Sequence[LookedAtColumn], wanted: Sequence[ColumnSpec], said: Sequence[str], unused: str
) -> ColumnChoices:
    """The choices of a file; `said` are the values that were chosen, `unused` what other columns become."""
    cells = [""] * (max((column.position for column in columns), default=-1) + 1)
    for column in columns:
        cells[column.position] = column.text
    found = {column.wanted for column in columns}
    return ColumnChoices(
        columns=[_choices(column, cells, wanted, said, unused) for column in columns[:SHOWN_COLUMNS]],
        more=max(0, len(columns) - SHOWN_COLUMNS),
        missing=[LABELS[spec.name] for spec in wanted if spec.is_required and spec.name not in found],
    )


def _choices(
    column: LookedAtColumn,
    cells: Sequence[str],
    wanted: Sequence[ColumnSpec],
    said: Sequence[str],
    unused: str,
) -> ChosenColumn:
    options = [(spec.name, named(column, spec.name, cells, wanted)) for spec in wanted]
    chosen = next((value for _, value in options if value in said), None)
    as_found = unused if column.wanted is None else LABELS[column.wanted]
    choices = [Choice(value="", text=as_found if chosen is None else "by its name", is_chosen=chosen is None)]
    for name, value in options:
        if value == chosen or name != column.wanted:
            choices.append(Choice(value=value, text=LABELS[name], is_chosen=value == chosen))
    is_used = column.wanted is not None or chosen is not None
    return ChosenColumn(text=column.text, samples=column.samples, is_used=is_used, choices=choices)
