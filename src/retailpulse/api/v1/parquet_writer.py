"""Makes a Parquet file on standard output of the rows of JSON on standard input, as a process of its own.

The one argument is a JSON list of `[name, type, is_distinct]`, a column each: one in which hardly any value
comes twice has no dictionary, which would only cost. It is run as a file, to load nothing of the service. Row
groups are written as they fill, so that its memory does not grow with the rows.
"""

import json
import sys

from arro3.core import DataType, Field, Schema
from arro3.io import read_json, write_parquet

GROUP_ROWS = 16_384
BATCH_ROWS = 1_024
_TYPES = {
    "string": DataType.string(),
    "int16": DataType.int16(),
    "int32": DataType.int32(),
    "int64": DataType.int64(),
    "float64": DataType.float64(),
    "bool": DataType.bool(),
    "strings": DataType.list(Field("item", DataType.string())),
    "timestamp": DataType.timestamp("ms", tz="UTC"),
}


def main() -> None:
    """Reads until the end of standard input; the file ends with it."""
    columns = json.loads(sys.argv[1])
    schema = Schema([Field(name, _TYPES[kind], nullable=True) for name, kind, _ in columns])
    write_parquet(
        read_json(sys.stdin.buffer, schema, batch_size=BATCH_ROWS),
        sys.stdout.buffer,
        compression="zstd(1)",
        max_row_group_size=GROUP_ROWS,
        column_dictionary_enabled={name: False for name, _, is_distinct in columns if is_distinct},
    )


if __name__ == "__main__":
    main()
