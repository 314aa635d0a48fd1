"""One table written in every way is read as one: nothing is misread, whatever wrote it."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retailpulse.domain.texts import trimmed
from retailpulse.tables import VISIT_COLUMNS, BadRow, Row
from tests.tables.reading import everything
from tests.tables.workbooks import ods, xlsx

NAMES = {
    "store_id": ["store_id", "STORE_ID", "Store Id", " StoreID ", "store-id", "Outlet Code", "shop"],
    "image_url": ["image_url", "Image_URL", "Photo", "photos", "Image url(s)", "Picture / link"],
    "visit_time": ["visit_time", "VISIT_TIME", "Date", "visit date", "Visited at"],
}
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "cp1252": b"",
}
WESTERN = "abzAZ019 ,;|\t\"'=-+@#.:/?&%_()éüÖñß€–\u00a0"
Cells = tuple[str, str, str]


@dataclass(frozen=True)
class Dialect:
    """A way to write CSV."""

    separator: str
    encoding: str
    quoting: Literal[0, 1]
    end: str
    says_separator: bool
    is_gzip: bool
    titles: int
    empty_rows: int


def is_text(text: str) -> bool:
    """A cell that stays as it is: no export of ours, no failed formula, not empty."""
    return trimmed(text) == text != "" and "'" not in text and not text.startswith("#")


def plain(text: str) -> str:
    """A text that no hand-written workbook takes for a formula."""
    return trimmed(text.replace("=", "")) or "x"


def western(text: str) -> str:
    """A text that looks like Windows-1252, which four accents in a row, or what may be UTF-8, do not."""
    return trimmed(re.sub(r"([^\x00-\x7f])[^\x00-\x7f]+", r"\1", text.replace("\u00a0", ""))) or "x"


texts = st.text(st.sampled_from(WESTERN), min_size=1, max_size=12).filter(is_text)
tables = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6)
headers = st.tuples(*(st.sampled_from(names) for names in NAMES.values()))
orders = st.permutations([0, 1, 2])
dialects = st.builds(
    Dialect,
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(list(ENCODINGS)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    says_separator=st.booleans(),
    is_gzip=st.booleans(),
    titles=st.integers(0, 3),
    empty_rows=st.integers(0, 2),
)
thorough = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_csv(rows: Sequence[Sequence[str]], dialect: Dialect) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=dialect.separator, quoting=dialect.quoting, lineterminator=dialect.end
    )
    if dialect.says_separator:
        text.write(f"sep={dialect.separator}{dialect.end}")
    writer.writerows([[f"Title {number}"] for number in range(dialect.titles)])
    for row in rows:
        writer.writerow(row)
        for number in range(dialect.empty_rows):
            text.write((dialect.separator * 2 * number) + dialect.end)
    content = ENCODINGS[dialect.encoding] + text.getvalue().encode(dialect.encoding)
    return gzip.compress(content) if dialect.is_gzip else content


def as_parquet(rows: Sequence[Sequence[str]]) -> bytes:
    file = io.BytesIO()
    columns = list(zip(*rows[1:], strict=True))
    pq.write_table(pa.table([list(column) for column in columns], names=list(rows[0])), file)
    return file.getvalue()


def arranged(table: Sequence[Cells], header: Cells, order: Sequence[int]) -> list[list[str]]:
    """The table with its header and a column that nobody wants, its columns in an order."""
    notes = ["note", *["n"] * len(table)]
    both = zip([header, *table], notes, strict=True)
    return [[*(row[at] for at in order), note] for row, note in both]


def read(content: bytes) -> list[tuple[str, ...]]:
    found = everything(content, None, VISIT_COLUMNS)
    assert [row for row in found if isinstance(row, BadRow)] == []
    return [row.cells for row in found if isinstance(row, Row)]


@given(table=tables, header=headers, order=orders, dialect=dialects)
@example(
    table=[("é,;|", '"', "\t".join("ab"))],
    header=("shop", "Photo", "Date"),
    order=[2, 0, 1],
    dialect=Dialect("|", "cp1252", 0, "\r", True, True, 3, 2),
)
@thorough
def test_every_dialect_of_csv(table: list[Cells], header: Cells, order: list[int], dialect: Dialect) -> None:
    if dialect.encoding == "cp1252":
        table = [(western(one), western(two), western(three)) for one, two, three in table]
    assert read(as_csv(arranged(table, header, order), dialect)) == table


def sheet(rows: Sequence[Sequence[str]], write: Callable[..., bytes]) -> bytes:
    return write({"Sheet 1": [["Visits"], [], *rows]})


@given(table=tables, header=headers, order=orders)
@few
def test_every_workbook(table: list[Cells], header: Cells, order: list[int]) -> None:
    table = [(plain(one), plain(two), plain(three)) for one, two, three in table]
    rows = arranged(table, header, order)
    expected = [tuple(map(trimmed, row)) for row in table]
    assert read(sheet(rows, xlsx)) == expected
    assert read(as_parquet(rows)) == expected
    simple = [tuple("".join(cell.split()) for cell in row) for row in expected]
    assert read(sheet(arranged([(a, b, c) for a, b, c in simple], header, order), ods)) == simple


@given(table=tables, dialect=dialects, at=st.integers(0, 5), extra=st.integers(1, 3))
@thorough
def test_a_separator_too_many_never_shifts_a_row(
    table: list[Cells], dialect: Dialect, at: int, extra: int
) -> None:
    if dialect.encoding == "cp1252":
        table = [(western(one), western(two), western(three)) for one, two, three in table]
    rows = arranged(table, ("store_id", "image_url", "visit_time"), [0, 1, 2])
    line = at % len(table) + 1
    rows[line] = [*["x"] * extra, *rows[line]]
    found = everything(as_csv(rows, dialect))
    bad = [row for row in found if isinstance(row, BadRow)]
    assert len(bad) == 1
    assert "cells, the header has 4" in bad[0].error
    good = [row.cells for row in found if isinstance(row, Row)]
    assert good == [cells for number, cells in enumerate(table, 1) if number != line]
