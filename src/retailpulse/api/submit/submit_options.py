"""How a submit is to be read, and whether only to be tried: what its query says beside the job's fields.

These parameters belong to the request, not to the job: nothing of them is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from litestar.datastructures import MultiDict

from retailpulse.api.submit.job_options import IN_QUERY
from retailpulse.api.submit.row_errors import OnBadRow, invalid_rows
from retailpulse.api.suggestions import unknown_name
from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import RowError
from retailpulse.tables import VISIT_COLUMNS, parse_column_names

_HOW = ("dry_run", "on_bad_row", "date_order", "sheet", "columns")
_KNOWN = (*sorted(IN_QUERY), *_HOW)
_YES_OR_NO = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitOptions:
    """How one submit is to be read."""

    is_dry: bool = False
    on_bad_row: OnBadRow = OnBadRow.REFUSE
    date_order: DateOrder | None = None
    column_names: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None

    def digested(self) -> list[str]:
        """What makes another job of the same body; empty if nothing does."""
        said = [] if self.on_bad_row is OnBadRow.REFUSE else [f"on_bad_row={self.on_bad_row}"]
        if self.date_order is not None:
            said.append(f"date_order={self.date_order}")
        if self.sheet is not None:
            said.append(f"sheet={self.sheet}")
        return said + [f"columns={name}:{column}" for name, column in sorted(self.column_names.items())]


def read_submit_options(query: MultiDict[str]) -> SubmitOptions:
    """These options from a query; raises InvalidRequest, also for a parameter that is not known."""
    others = [name for name in query if name not in _KNOWN and name != "credentials"]
    if others:
        errors = [
            RowError(column=name[:100], reason=unknown_name(name, _KNOWN, "parameter"))
            for name in dict.fromkeys(others)
        ]
        raise invalid_rows(
            "; ".join(f"{one.column}: {one.reason}" for one in errors[:3]), errors, len(errors)
        )
    for name in _HOW[:-1]:
        if len(query.getall(name, [])) > 1:
            raise InvalidRequest(f"{name}: it is there more than once")
    is_dry = _YES_OR_NO.get(query.get("dry_run", "false").lower())
    if is_dry is None:
        raise InvalidRequest(f"dry_run: {query['dry_run'][:100]!r} is neither true nor false")
    on_bad_row = query.get("on_bad_row", OnBadRow.REFUSE)
    if on_bad_row not in set(OnBadRow):
        raise InvalidRequest(f"on_bad_row: {on_bad_row[:100]!r} is none of {', '.join(OnBadRow)}")
    date_order = query.get("date_order")
    if date_order is not None and date_order not in set(DateOrder):
        raise InvalidRequest(f"date_order: {date_order[:100]!r} is none of {', '.join(DateOrder)}")
    return SubmitOptions(
        is_dry=is_dry,
        on_bad_row=OnBadRow(on_bad_row),
        date_order=DateOrder(date_order) if date_order else None,
        sheet=query.get("sheet"),
        column_names=parse_column_names(query.getall("columns", []), VISIT_COLUMNS),
    )
