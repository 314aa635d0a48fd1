"""XLSX and ODS give the same text as CSV would, and hostile ones are refused while the reader lives on."""

import datetime
import io
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables import VISIT_COLUMNS, BadRow, Row, confined_process, open_table
from tests.tables.reading import dialect, everything, refusal, rows
from tests.tables.workbooks import ErrorCell, Rows, archive, ods, xlsx

Write = Callable[[dict[str, Rows]], bytes]
HEADER = ["Store", "Photo", "Date", "Note"]
VISIT = ["RP1", "http://a", datetime.date(2026, 11, 20), None]


def by_sheet(content: bytes, sheet: str) -> list[tuple[str, ...]]:
    with open_table(io.BytesIO(content), VISIT_COLUMNS, sheet=sheet) as table:
        return [row.cells for row in table if not isinstance(row, BadRow)]


@pytest.mark.parametrize("write", [xlsx, ods])
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("text", "text"),
        (" \u00a0x\u200b", "x"),
        ("two\nlines", "two\nlines"),
        (17, "17"),
        (17.0, "17"),
        (1234567890123, "1234567890123"),
        (999999999999999, "999999999999999"),
        (123456789012345678, "1.23456789012346E+17"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (True, "TRUE"),
        (datetime.date(2026, 11, 20), "2026-11-20"),
        (datetime.datetime(2026, 11, 20, 10, 30, 15), "2026-11-20T10:30:15"),
        (datetime.datetime(2026, 11, 20), "2026-11-20"),
        ("Ωμέγα 🏪 <&>", "Ωμέγα 🏪 <&>"),
    ],
    ids=repr,
)
def test_cells_arrive_as_text(write: Write, cell: object, text: str) -> None:
    content = write({"Visits": [HEADER, ["RP1", cell, "x", "note"]]})
    assert everything(content) == [Row(2, ("RP1", text, "x"), ("note",))]


def test_a_formula_gives_its_value() -> None:
    assert rows(xlsx({"S": [HEADER, ["=RP1", "b", "c"]]})) == [(2, ("RP1", "b", "c"))]


def test_days_may_be_counted_from_1904() -> None:
    content = xlsx({"S": [HEADER, VISIT]}, is_1904=True)
    assert rows(content) == [(2, ("RP1", "http://a", "2030-11-21"))]


def test_a_formula_that_failed_makes_a_bad_row() -> None:
    content = xlsx({"S": [HEADER, VISIT, ["RP2", ErrorCell(), "x"], ["RP3", "b", "c", ErrorCell()]]})
    good, bad, noted = everything(content)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.column, bad.error) == (3, "image_url", "it is #N/A: a formula failed")
    assert noted == Row(4, ("RP3", "b", "c"), ("#N/A",))
    assert good.line == 2


def test_the_texts_of_errors_are_bad_in_csv_too() -> None:
    (bad,) = everything(b"store_id,image_url,visit_time\n#REF!,b,c\n")
    assert isinstance(bad, BadRow)
    assert (bad.column, bad.error) == ("store_id", "it is #REF!: a formula failed")


@pytest.mark.parametrize("write", [xlsx, ods])
def test_the_first_sheet_with_the_header_is_read_wherever_it_stands(write: Write) -> None:
    table: Rows = [[], [None, "Visits of November"], [], [None, *HEADER], [], [None, *VISIT]]
    content = write({"Cover": [["Hello"]], "Data": table, "More": [HEADER]})
    assert rows(content) == [(6, ("RP1", "http://a", "2026-11-20"))]
    kind = "XLSX" if write is xlsx else "ODS"
    assert dialect(content) == f"{kind}, sheet Data (not Cover, More), the header in row 4"


def test_a_sheet_may_be_asked_for_even_if_it_is_hidden() -> None:
    content = xlsx({"A": [HEADER, ["A", "b", "c"]], "B": [HEADER, ["B", "b", "c"]]}, hidden=["B"])
    assert by_sheet(content, "a") == [("A", "b", "c")]
    assert by_sheet(content, "B ") == [("B", "b", "c")]
    assert rows(content) == [(2, ("A", "b", "c"))]
    assert dialect(content) == "XLSX, sheet A"


def test_what_is_missing_is_said_of_the_sheet_that_comes_next() -> None:
    content = xlsx({"Cover": [["Hello"]], "Data": [["Store", "Photo", "Whenever"]]})
    assert refusal(content).startswith("sheet Data, line 1: the header must name the columns store_id,")
    with pytest.raises(InvalidRequest, match=r"^sheet: there is no sheet C; the sheets are Cover, Data$"):
        by_sheet(content, "C")


def test_merged_cells_of_a_header_are_its_first() -> None:
    content = xlsx(
        {"S": [["Visit", None, None], ["Store", "Photo", "Date", None], VISIT]},
        more='<mergeCells><mergeCell ref="A1:C1"/></mergeCells>',
    )
    assert rows(content) == [(3, ("RP1", "http://a", "2026-11-20"))]


def test_a_sheet_whose_cells_lie_far_apart_is_refused_or_read() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    content = xlsx({"S": [HEADER, VISIT]})
    parts = {name: zipfile.ZipFile(io.BytesIO(content)).read(name) for name in names_of(content)}
    sheet = parts["xl/worksheets/sheet1.xml"].decode().replace("</sheetData>", f"{far}</sheetData>")
    told = refusal(archive({**parts, "xl/worksheets/sheet1.xml": sheet}))
    assert "memory" in told


def test_a_workbook_gets_no_more_memory_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_process, "MEMORY_BYTES", 400 << 20)
    assert rows(xlsx({"S": [HEADER, VISIT]})) == [(2, ("RP1", "http://a", "2026-11-20"))]
    wide = [None] * 200 + ["x"]
    assert "memory" in refusal(xlsx({"S": [HEADER, VISIT, *[[]] * 100_000, wide]}))


def test_a_workbook_gets_no_more_time_than_it_may_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_process, "WALL_SECONDS", 0.0)
    assert "time than it may" in refusal(xlsx({"S": [HEADER, VISIT]}))


@pytest.mark.parametrize("row", [[*VISIT[:3], "x" * 100_001], [*VISIT[:3], *["x" * 99_000] * 11]])
def test_a_cell_or_a_row_that_would_fill_the_memory_is_refused(row: list[object]) -> None:
    assert "row 3 has a cell of more than 100000 characters" in refusal(xlsx({"S": [HEADER, VISIT, row]}))


def names_of(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


@pytest.mark.parametrize("size", [1_500_000_000, 200_000_000])
def test_a_bomb_is_refused_before_it_is_unpacked(size: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
        with packed.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(size // 10_000_000):
                part.write(b" " * 10_000_000)
    assert "unpacks into" in refusal(file.getvalue())


def test_many_parts_are_refused() -> None:
    content = archive({**{f"xl/{number}": "" for number in range(10_001)}, "xl/workbook.xml": "<x/>"})
    assert refusal(content) == "the workbook has more than 10000 parts"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
            "old Excel workbook (.xls), or protected by a password",
        ),
        (archive({"xl/workbook.bin": b""}), "binary workbook (.xlsb)"),
        (archive({"readme.txt": b""}), "zip archive without a workbook"),
        (archive({"xl/workbook.xml": b"<x/>"}), "damaged"),
        (b"PK\x03\x04 and nothing", "damaged or cut off"),
        (xlsx({"S": [HEADER]})[:-30], "damaged or cut off"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\xef\xbb\xbf\r\n<TABLE border=1><tr><td>Store", "an HTML page"),
        (b'<html xmlns:x="urn:schemas-microsoft-com:office:excel">', "an HTML page"),
        (b' [{"store_id": 1}]', "the file is JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(content: bytes, said: str) -> None:
    assert said in refusal(content)


def test_cells_that_are_repeated_without_end_are_refused() -> None:
    content = ods({"S": [HEADER, VISIT]})
    parts = {name: zipfile.ZipFile(io.BytesIO(content)).read(name) for name in names_of(content)}
    again = (
        b'<table:table-row table:number-rows-repeated="1000000">'
        b'<table:table-cell table:number-columns-repeated="16000" office:value-type="string">'
        b"<text:p>x</text:p></table:table-cell></table:table-row></table:table>"
    )
    bomb = parts["content.xml"].replace(b"</table:table>", again)
    assert "save it" in refusal(archive({**parts, "content.xml": bomb}))


def test_a_part_that_is_larger_than_the_archive_says_is_refused() -> None:
    content = xlsx({"S": [HEADER, ["RP1", "b" * 5_000_000, "c"]]})
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    lying = content[: place + 24] + (100).to_bytes(4, "little") + content[place + 28 :]
    assert "damaged" in refusal(lying)


@pytest.mark.parametrize(
    ("days", "text"), [(1.25, "30:00:00"), (0.5, "12:00:00"), (100 + 1 / 86_400, "2400:00:01")]
)
def test_durations_beyond_a_day_are_hours(days: float, text: str) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet, hours = book.add_worksheet("Sheet"), book.add_format({"num_format": "[h]:mm:ss"})
        for column, (title, value) in enumerate(zip(HEADER, VISIT[:2], strict=False)):
            sheet.write(0, column, title)
            sheet.write(1, column, value)
        for column, title in enumerate(HEADER[2:], 2):
            sheet.write(0, column, title)
            sheet.write_number(1, column, days, hours)
    ((*_, note),) = by_sheet(content.getvalue(), "Sheet")
    assert note == text
