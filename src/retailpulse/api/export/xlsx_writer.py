"""Makes an XLSX workbook on standard output of the rows of JSON on standard input, as a process of its own.

The one argument is JSON: the name of the sheet and a `[name, kind]` for each column. It is run as a file, to
load nothing of the service. A workbook is a ZIP of XML, which is written as the rows come: answers begin at
once, memory does not grow with the rows, and nothing is put on the disk. Weak: each cell holds its own text,
so that a file of many equal texts is larger than one of a spreadsheet program.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

SHEET_ROWS = 1_048_576
"""As many rows as a sheet can have, with its header; more go to a further sheet."""
SHEET_BYTES = 1_500_000_000
"""A sheet ends before the size at which a ZIP needs an extension that spreadsheet programs do not read."""
CELL_CHARACTERS = 32_767
"""As many UTF-16 units as a cell can hold; a longer text ends with a note of its length."""
_BATCH_ROWS = 500
_EPOCH = datetime(1899, 12, 30)
_FIRST_DAY = 61  # before March 1900 spreadsheet programs do not agree on the numbers of days

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="3">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="166" formatCode="0.0%"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_BOLD, _INSTANT, _DAY, _RATE = 1, 2, 3, 4
"""The places of the formats in the list above."""
_WIDTHS = {"timestamp": 20, "date": 12, "rate": 9, "number": 11, "bool": 8, "text": 22}
"""The width of a column by its kind, in characters; a longer name makes it wider."""

# What cannot stand in a cell as it is: XML's own signs, control characters, halves of characters, and what
# a reader would take for such an escape.
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character >= "\ud800":
        return "\ufffd"
    return _ESCAPED.get(character) or f"_x{ord(character):04X}_"


def _fitting(text: str) -> str:
    units = len(text.encode("utf-16-le", "replace")) // 2
    if units <= CELL_CHARACTERS:
        return text
    note = f" [cut: {len(text):,} characters]"
    kept = text.encode("utf-16-le", "replace")[: 2 * (CELL_CHARACTERS - len(note))]
    return kept.decode("utf-16-le", "ignore") + note


def text_cell(at: str, value: Any, style: int = 0) -> str:
    """A cell that holds a text, which no program takes for a formula or a link."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > CELL_CHARACTERS // 2:
        text = _fitting(text)
    text = _SPECIAL.sub(_escape, text)
    keep = "" if text == text.strip() else ' xml:space="preserve"'
    styled = f' s="{style}"' if style else ""
    return f'<c r="{at}"{styled} t="inlineStr"><is><t{keep}>{text}</t></is></c>'


def _number_cell(at: str, value: Any) -> str:
    return f'<c r="{at}"><v>{value}</v></c>'


def _rate_cell(at: str, value: Any) -> str:
    return f'<c r="{at}" s="{_RATE}"><v>{value}</v></c>'


def _bool_cell(at: str, value: Any) -> str:
    return f'<c r="{at}" t="b"><v>{int(value)}</v></c>'


def _day_cell(at: str, value: Any, style: int = _DAY) -> str:
    """A day, or an instant in UTC, as the number of days since 1900; as a text if it has none."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    since = moment - _EPOCH
    if since.days < _FIRST_DAY:
        return text_cell(at, value)
    days = since.days if style == _DAY else round(since.total_seconds() / 86_400, 9)
    return f'<c r="{at}" s="{style}"><v>{days}</v></c>'


def _instant_cell(at: str, value: Any) -> str:
    return _day_cell(at, value, _INSTANT)


_CELLS: dict[str, Callable[[str, Any], str]] = {
    "text": text_cell,
    "number": _number_cell,
    "rate": _rate_cell,
    "bool": _bool_cell,
    "date": _day_cell,
    "timestamp": _instant_cell,
}


def column_name(number: int) -> str:
    """The name of a column by its number from 0: A to Z, AA and so on."""
    before, place = divmod(number, 26)
    return (column_name(before - 1) if before else "") + chr(ord("A") + place)


class Workbook:
    """A workbook whose sheets have the same columns, each sheet as many rows as it can hold."""

    def __init__(self, file: IO[bytes], title: str, columns: Sequence[tuple[str, str]]) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED)
        self._title = title
        self._columns = columns
        self._cells = [(column_name(n), name, _CELLS[kind]) for n, (name, kind) in enumerate(columns)]
        self._sheets: list[tuple[str, str]] = []
        # Programs that say what a file is by its beginning look for this.
        self._put("_rels/.rels", _relationships([("officeDocument", "xl/workbook.xml")]))

    def write(self, rows: Iterator[dict[str, Any]], *, most_rows: int = SHEET_ROWS) -> None:
        """Writes all rows, and what a workbook needs beside them."""
        row = next(rows, None)
        while row is not None or not self._sheets:
            row = self._write_sheet(row, rows, most_rows)
        self._finish()
        self._zip.close()

    def _write_sheet(
        self, row: dict[str, Any] | None, rows: Iterator[dict[str, Any]], most_rows: int
    ) -> dict[str, Any] | None:
        """Writes one sheet; gives the first row that has no place on it."""
        number, size_bytes, batch = 1, 0, [self._header()]
        name = self._title if not self._sheets else f"{self._title} {len(self._sheets) + 1}"
        with self._zip.open(f"xl/worksheets/sheet{len(self._sheets) + 1}.xml", "w") as sheet:
            while row is not None and number < most_rows and size_bytes < SHEET_BYTES:
                number += 1
                batch.append(self._row(number, row))
                if len(batch) >= _BATCH_ROWS:
                    size_bytes += sheet.write("".join(batch).encode())
                    batch.clear()
                row = next(rows, None)
            area = f"A1:{column_name(len(self._columns) - 1)}{number}"
            batch.append(f'</sheetData><autoFilter ref="{area}"/></worksheet>')
            sheet.write("".join(batch).encode())
        self._sheets.append((name, area))
        return row

    def _header(self) -> str:
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{max(_WIDTHS[kind], len(name) + 4)}" customWidth="1"/>'
            for n, (name, kind) in enumerate(self._columns, 1)
        )
        titles = "".join(text_cell(f"{letter}1", name, _BOLD) for letter, name, _ in self._cells)
        selected = "" if self._sheets else ' tabSelected="1"'
        return (
            f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView{selected} workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            f'</sheetView></sheetViews><cols>{widths}</cols><sheetData><row r="1">{titles}</row>'
        )

    def _row(self, number: int, row: dict[str, Any]) -> str:
        cells = [
            cell(f"{letter}{number}", value)
            for letter, name, cell in self._cells
            if (value := row.get(name)) is not None
        ]
        return f'<row r="{number}">{"".join(cells)}</row>'

    def _finish(self) -> None:
        sheets, filters, types = "", "", ""
        for number, (name, area) in enumerate(self._sheets, 1):
            sheets += f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            first, last = (re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", corner) for corner in area.split(":"))
            filters += (
                f'<definedName name="_xlnm._FilterDatabase" localSheetId="{number - 1}" hidden="1">'
                f"'{name}'!{first}:{last}</definedName>"
            )
            types += (
                f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            )
        parts = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(self._sheets) + 1)]
        self._put("xl/styles.xml", _STYLES)
        self._put("xl/_rels/workbook.xml.rels", _relationships([*parts, ("styles", "styles.xml")]))
        self._put(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONSHIPS}"><sheets>{sheets}</sheets>'
            f"<definedNames>{filters}</definedNames></workbook>",
        )
        self._put(
            "[Content_Types].xml",
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{types}</Types>',
        )

    def _put(self, name: str, text: str) -> None:
        self._zip.writestr(name, text)


def _relationships(parts: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONSHIPS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts, 1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _rows(lines: IO[bytes]) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    while block := list(islice(lines, _BATCH_ROWS)):
        yield from map(decoder.decode, block)


def main() -> None:
    """Reads until the end of standard input; the file ends with it."""
    title, columns = msgspec.json.decode(sys.argv[1], type=tuple[str, list[tuple[str, str]]])
    Workbook(sys.stdout.buffer, title, columns).write(_rows(sys.stdin.buffer))


if __name__ == "__main__":
    main()
