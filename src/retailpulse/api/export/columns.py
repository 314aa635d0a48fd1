"""What the programs that write files are told of columns: their names, and the kind of their values.

Parquet wants the SQL type of each column, XLSX one of a few kinds of cells. Both follow from the records.
"""

import json
from collections.abc import Mapping, Sequence

from retailpulse.schema import RESULT, Result
from retailpulse.schema.columns import SqlType, flat_names

RESULT_COLUMNS = flat_names(Result)
"""What results have in files, in its order; `earlier` only if it is asked for."""
_PARQUET = {
    SqlType.SMALLINT: "int16",
    SqlType.INTEGER: "int32",
    SqlType.BIGINT: "int64",
    SqlType.DOUBLE: "float64",
    SqlType.BOOLEAN: "bool",
    SqlType.TIMESTAMPTZ: "timestamp",
}
"""The types of columns that are no texts."""
_PARQUET_COLUMNS = {
    **{
        column.name: (_PARQUET.get(column.sql_type, "string"), column.stored.is_distinct) for column in RESULT
    },
    "earlier": ("string", True),
}
"""The type of each column, and whether hardly any value comes twice."""
_KINDS = {
    **dict.fromkeys((SqlType.SMALLINT, SqlType.INTEGER, SqlType.BIGINT, SqlType.DOUBLE), "number"),
    SqlType.BOOLEAN: "bool",
    SqlType.TIMESTAMPTZ: "timestamp",
}
RESULT_KINDS = {column.name: _KINDS.get(column.sql_type, "text") for column in RESULT} | {"earlier": "text"}
"""The kind of cell in each column of results."""


def parquet_layout(columns: Sequence[str]) -> str:
    """Columns of results, for the program that writes Parquet."""
    return json.dumps([(name, *_PARQUET_COLUMNS[name]) for name in columns])


def workbook_layout(title: str, kinds: Mapping[str, str], folder: str | None) -> str:
    """The name of a sheet, the kind of its columns and the folder for temporary files, for what writes XLSX.

    `folder` None: the system's folder for those.
    """
    return json.dumps([title, list(kinds.items()), folder])
