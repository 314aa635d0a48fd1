"""A CSV file of any dialect as a table: its separator is the one by which a row is the header.

What the data holds is never counted: a table of one column, or a name with many commas in it, would mislead.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, islice
from typing import IO

from retailpulse.domain.texts import trimmed
from retailpulse.tables.column_names import ColumnSpec, shown
from retailpulse.tables.csv_records import Lines, read_records
from retailpulse.tables.encodings import Encoding, detect_encoding
from retailpulse.tables.header import MAX_ROWS, Candidate, find_header, match, where
from retailpulse.tables.rows import BadRow, Record, Table, make_rows

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SAID = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)
_CANDIDATE_RECORDS = 200
"""Most records that are looked at for a header, with those that are empty."""


def open_csv(file: IO[bytes], wanted: Sequence[ColumnSpec], column_names: Mapping[str, str]) -> Table:
    """The table in a text file that can be sought in; raises InvalidRequest if it has no header.

    In memory are a record and a few blocks of the file.
    """
    encoding = detect_encoding(file)
    said = _find_said_separator(Lines(file, encoding, ","))
    separators: dict[int, str] = {}
    readings: list[list[Candidate]] = []
    last_line = math.inf
    for separator in [said] if said else _SEPARATORS:
        readings.append([])
        # What says the separator is no header.
        for record in islice(_first_records(file, encoding, separator), 1 if said else 0, None):
            if record.line > last_line:
                break  # a row below a header is the header of no table, whatever parts its cells
            candidate = match(record.line, record.cells, wanted, column_names)
            separators[id(candidate)] = separator
            readings[-1].append(candidate)
            if candidate.is_complete:
                last_line = record.line
                break
    candidate, header = find_header(readings, wanted, column_names)
    separator = separators[id(candidate)]
    name = _SEPARATORS.get(separator, shown(separator))
    records = read_records(Lines(file, encoding, separator), separator, is_clean=encoding.is_clean)
    rows = dropwhile(lambda record: record.line <= header.line, records)
    return Table(
        columns=header.columns,
        extra_columns=header.extra_columns,
        dialect=f"CSV, separator {name}, {encoding.name}{where(header, 'line', column_names)}",
        header=header,
        rows=make_rows(rows, header, quoting=f"put a cell that has a {name} in it in double quotes"),
    )


def _find_said_separator(lines: Lines) -> str | None:
    """What a first line `sep=;` says, which Excel writes and reads."""
    for line in islice(lines, 10):
        if text := line.strip("\r\n "):
            found = _SAID.fullmatch(trimmed(line) if text == trimmed(line) else text)
            return found[1] if found and found[1] not in '"\r\n' else None
    return None


def _first_records(file: IO[bytes], encoding: Encoding, separator: str) -> Iterator[Record]:
    """The first records that are not empty, if cells end so."""
    found = 0
    lines = Lines(file, encoding, separator)
    records = read_records(lines, separator, is_clean=True)
    for record in islice(records, _CANDIDATE_RECORDS):
        if isinstance(record, BadRow) or not any(map(trimmed, record.cells)):
            continue
        yield record
        found += 1
        if found == MAX_ROWS:
            return
