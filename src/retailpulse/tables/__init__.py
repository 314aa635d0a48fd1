"""Tables as people have them: CSV of every dialect and workbooks become rows of text.

Pure reading of a file that is there as a whole: no HTTP, no SQL, and no judgement of what a cell says.
Weak: what is no UTF-8 is taken for Windows-1252 if it can be; other code pages are refused only if they show.
"""

from retailpulse.tables.column_names import ColumnSpec, parse_column_names
from retailpulse.tables.formats import TableFormat, detect_format
from retailpulse.tables.known_columns import STORE_COLUMNS, VISIT_COLUMNS
from retailpulse.tables.rows import BadRow, Row, Table
from retailpulse.tables.table_file import open_table
from retailpulse.tables.urls import split_urls

__all__ = [
    "STORE_COLUMNS",
    "VISIT_COLUMNS",
    "BadRow",
    "ColumnSpec",
    "Row",
    "Table",
    "TableFormat",
    "detect_format",
    "open_table",
    "parse_column_names",
    "split_urls",
]
