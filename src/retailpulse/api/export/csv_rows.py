"""Rows as CSV, made here and not by PostgreSQL: of lists and reports, which are put together in Python."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = r"[-=+@\uff0d\uff1d\uff0b\uff20]"
_BEGINS = re.compile(r'(?=[\x01-\x1f\x7f-\x9f]|[\s"]*' + _FORMULA + ")")
_WITHIN = re.compile(r'([;\t\r\n])(?=[\s"]{0,8}' + _FORMULA + ")")


def csv_rows(rows: Iterable[Sequence[Any]], *, for_spreadsheet: bool = False) -> bytes:
    """Lines of CSV; with `for_spreadsheet` no text can act as a formula, as in the CSV of results."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_as_text(cell) for cell in row] if for_spreadsheet else row)
    return text.getvalue().encode("utf-8", "replace")


def _as_text(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    kept = _WITHIN.sub(r"\1'", cell)
    return f"'{kept}" if _BEGINS.match(kept) else kept
