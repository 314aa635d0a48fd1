"""Tables as people have them: CSV of every dialect and workbooks become rows of text.

Pure reading of a file that is there as a whole: no HTTP, no SQL, and no judgement of what a cell says.
Weak: what is no UTF-8 is taken for Windows-1252 if it can be; other code pages are refused only if they show.
"""

from retailpulse.tables.column_names import ColumnSpec, parse_column_names
from retailpulse.tables.formats import TableFormat, detect_format
from retailpulse.tables.header import HeaderNotFound
from retailpulse.tables.known_columns import STORE_COLUMNS, VISIT_COLUMNS
from retailpulse.tables.rows import BadRow, Row, Table
from retailpulse.tables.table_file import open_table
from retailpulse.tables.table_look import LookedAtColumn, columns_without_header, named, peek
from retailpulse.tables.urls import split_urls

__all__ = [
    "STORE_COLUMNS",
    "VISIT_COLUMNS",
    "BadRow",
    "ColumnSpec",
    "HeaderNotFound",
    "LookedAtColumn",
    "Row",
    "Table",
    "TableFormat",
    "columns_without_header",
    "detect_format",
    "named",
    "open_table",
    "parse_column_names",
    "peek",
    "split_urls",
]
