"""The program that writes XLSX: cells of the right kind, nothing that acts, no text that breaks a file."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retailpulse.api.export.xlsx_writer import CELL_CHARACTERS, Workbook
from tests.api.export.workbooks import made, opened, table

TEXTS = (
    "=1+1",
    "+1",
    "-5",
    "@SUM(1)",
    "https://photos.example/a.jpg?a=1&b=<2>",
    " spaces ",
    "two\nlines\tand a tab",
    "a \"quote\" and 'another'",
    "Ünïcode 🏪",
    "2026-11-20T10:00:00Z",
    "007",
    "",
    "]]>",
    "{=1+1}",
    "<r><t>not of the sender</t></r>",
    "<r></t></r>",
    "internal:Sheet1!A1",
)
ESCAPED = {"a\rb": "a_x000D_b", "\x00\x1b[2J": "_x0000__x001B_[2J", "as _x0041_ is": "as _x005F_x0041_ is"}


def one_column(*values: Any, kind: str = "text") -> list[Any]:
    sheet = opened(made({"name": kind}, [{"name": value} for value in values]))["rows"]
    return [cell for (cell,) in sheet.iter_rows(min_row=2)]


def test_a_text_stays_the_text_that_it_is() -> None:
    cells = one_column(*TEXTS)
    assert [cell.value or "" for cell in cells] == list(TEXTS)
    assert {cell.data_type for cell in cells if cell.value} == {"s"}
    assert [cell.hyperlink for cell in cells if cell.hyperlink] == []


def test_characters_that_xml_cannot_hold_are_written_as_spreadsheets_escape_them() -> None:
    assert [cell.value for cell in one_column(*ESCAPED)] == list(ESCAPED.values())


def test_what_is_no_character_does_not_break_the_file() -> None:
    assert [cell.value for cell in one_column("a\ufffeb", "c\uffffd")] == ["a_xFFFE_b", "c_xFFFF_d"]


@pytest.mark.parametrize("character", ["a", "é", "🏪"])
def test_a_text_that_no_cell_can_hold_is_cut_and_says_so(character: str) -> None:
    units = len(character.encode("utf-16-le")) // 2
    fitting = character * (CELL_CHARACTERS // units)
    whole, cut = one_column(fitting, fitting + character)
    assert whole.value == fitting
    assert cut.value.endswith(f"{character} [cut: {len(fitting) + 1:,} characters]")
    assert len(cut.value.encode("utf-16-le")) // 2 <= CELL_CHARACTERS


def test_numbers_days_instants_and_rates_are_numbers_with_a_format() -> None:
    assert [(cell.value, cell.data_type) for cell in one_column(14112, 2**40, -1, 0.5, kind="number")] == [
        (14112, "n"),
        (2**40, "n"),
        (-1, "n"),
        (0.5, "n"),
    ]
    (instant,) = one_column("2026-11-20T12:00:07.412+02:00", kind="timestamp")
    assert instant.is_date
    assert instant.value == datetime(2026, 11, 20, 10, 0, 7, 412_000)
    (day,) = one_column("2026-11-20", kind="date")
    assert (day.value, day.number_format) == (datetime(2026, 11, 20), "yyyy-mm-dd")
    (rate,) = one_column(0.125, kind="rate")
    assert (rate.value, rate.number_format) == (0.125, "0.0%")
    assert [cell.value for cell in one_column(True, False, kind="bool")] == [True, False]


def test_what_is_no_number_is_a_text_in_a_column_of_numbers() -> None:
    cells = one_column("NaN", "Infinity", "=1", kind="number")
    assert [(cell.value, cell.data_type) for cell in cells] == [("NaN", "s"), ("Infinity", "s"), ("=1", "s")]


def test_a_time_before_the_calendar_of_spreadsheets_is_a_text() -> None:
    (cell,) = one_column("1850-01-01T00:00:00Z", kind="timestamp")
    assert (cell.value, cell.is_date) == ("1850-01-01T00:00:00Z", False)


def test_what_is_not_known_is_an_empty_cell_and_what_is_no_text_is_json() -> None:
    rows = table(opened(made({"a": "text", "b": "number"}, [{"a": None}, {"a": {"x": 1}, "b": 2}]))["rows"])
    assert rows == [{"a": None, "b": None}, {"a": '{"x":1}', "b": 2}]


def test_the_header_is_bold_stands_still_and_filters() -> None:
    sheet = opened(made({"image_no": "number", "image_url": "text"}, [{"image_no": 1}] * 3))["rows"]
    assert [cell.font.b for cell in sheet[1]] == [True, True]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B4")
    assert sheet.column_dimensions["A"].width >= len("image_no")


def test_no_row_is_a_sheet_with_its_header() -> None:
    assert [cell.value for cell in opened(made({"a": "text"}, []))["rows"][1]] == ["a"]


def sheets(folder: Path, rows: int, **most: int) -> Any:
    """A workbook of so many rows, on sheets with limits of their own."""
    file = io.BytesIO()
    Workbook(file, str(folder), "results", [("n", "number")]).write(
        iter([{"n": n} for n in range(rows)]), **most
    )
    assert list(folder.iterdir()) == []
    return opened(file.getvalue())


def test_rows_beyond_a_sheet_go_to_a_further_one(tmp_path: Path) -> None:
    book = sheets(tmp_path, 7, most_rows=4)
    assert book.sheetnames == ["results", "results 2", "results 3"]
    assert [[row["n"] for row in table(sheet)] for sheet in book] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:A4", "A1:A4", "A1:A2"]
    assert [sheet.freeze_panes for sheet in book] == ["A2"] * 3


def test_a_last_sheet_that_is_full_has_no_empty_one_behind_it(tmp_path: Path) -> None:
    assert sheets(tmp_path, 3, most_rows=4).sheetnames == ["results"]


def test_bytes_beyond_a_sheet_go_to_a_further_one(tmp_path: Path) -> None:
    book = sheets(tmp_path, 5_000, most_bytes=50_000)
    assert len(book.sheetnames) > 2
    assert [row["n"] for sheet in book for row in table(sheet)] == list(range(5_000))


def test_the_file_needs_no_extension_of_zip() -> None:
    """Spreadsheet programs take an entry of ZIP64 for damage."""
    with zipfile.ZipFile(io.BytesIO(made({"a": "text"}, [{"a": "x"}] * 2_000))) as book:
        assert book.testzip() is None
        assert book.namelist()[0] == "[Content_Types].xml"
        assert {entry.extract_version for entry in book.infolist()} == {20}


def test_the_same_rows_as_the_instants_they_are() -> None:
    instants = [datetime(2026, 1, day, day, tzinfo=UTC) for day in range(1, 20)]
    cells = one_column(*[instant.isoformat() for instant in instants], kind="timestamp")
    assert [cell.value.replace(tzinfo=UTC) for cell in cells] == instants
