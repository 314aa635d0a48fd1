"""Makes a Parquet file on standard output of the rows of JSON on standard input, as a process of its own.

The one argument is a JSON list of `[name, type, is_distinct]`, a column each: one in which hardly any value
comes twice has no dictionary, which would only cost. It is run as a file, to load nothing of the service. Row
groups are written as they fill, so that its memory does not grow with the rows. The first of them takes the
database a second or two: the file begins before it, so that no client or proxy has to wait for that.
"""

import io
import json
import sys
from typing import IO, TYPE_CHECKING, cast

from arro3.core import DataType, Field, Schema
from arro3.io import read_json, write_parquet

MAGIC = b"PAR1"
"""How every Parquet file begins."""
GROUP_ROWS = 16_384
BATCH_ROWS = 1_024
_TYPES = {
    "string": DataType.string(),
    "int16": DataType.int16(),
    "int32": DataType.int32(),
    "int64": DataType.int64(),
    "float64": DataType.float64(),
    "bool": DataType.bool(),
    "timestamp": DataType.timestamp("ms", tz="UTC"),
}


if TYPE_CHECKING:
    from typing_extensions import Buffer


class Begun(io.RawIOBase):
    """A file whose magic number is there already: of what is written to it, that is passed over."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        file.write(MAGIC)
        file.flush()
        self._file = file
        self._to_pass = len(MAGIC)

    def write(self, part: "Buffer") -> int:
        """Writes what follows the magic number; gives the size of the whole part."""
        content = memoryview(part)
        passed = min(self._to_pass, len(content))
        self._to_pass -= passed
        self._file.write(content[passed:])
        return len(content)

    def flush(self) -> None:
        """Hands on what was written."""
        self._file.flush()


def main() -> None:
    """Reads until the end of standard input; the file ends with it."""
    file = Begun(sys.stdout.buffer)
    columns = json.loads(sys.argv[1])
    schema = Schema([Field(name, _TYPES[kind], nullable=True) for name, kind, _ in columns])
    write_parquet(
        read_json(sys.stdin.buffer, schema, batch_size=BATCH_ROWS),
        cast(IO[bytes], file),
        compression="zstd(1)",
        max_row_group_size=GROUP_ROWS,
        column_dictionary_enabled={name: False for name, _, is_distinct in columns if is_distinct},
    )


if __name__ == "__main__":
    main()
