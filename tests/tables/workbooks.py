"""Writes XLSX and ODS by hand, so that tests can put anything into them."""

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
Rows = Sequence[Sequence[Any]]


class ErrorCell:
    """A cell whose formula failed."""


def xlsx(
    sheets: Mapping[str, Rows], *, hidden: Sequence[str] = (), is_1904: bool = False, more: str = ""
) -> bytes:
    """A workbook; `more` is XML behind the rows of each sheet."""
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
            'ContentType="application/xml"/></Types>'
        ),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook(list(sheets), hidden, is_1904),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                ("styles", "styles", "styles.xml"),
                *((f"rId{no}", "worksheet", f"worksheets/sheet{no}.xml") for no in range(1, len(sheets) + 1)),
            ]
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
            '<xf numFmtId="22"/></cellXfs></styleSheet>'
        ),
    }
    for no, rows in enumerate(sheets.values(), 1):
        data = "".join(
            f'<row r="{line}">'
            + "".join(_xlsx_cell(f"{column_name(at)}{line}", cell) for at, cell in enumerate(row))
            + "</row>"
            for line, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{no}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData>{more}</worksheet>'
        )
    return archive(parts)


def ods(sheets: Mapping[str, Rows]) -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": (
                f'<manifest:manifest xmlns:manifest="{names}manifest:1.0"><manifest:file-entry '
                'manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
            ),
            "content.xml": (
                f'<office:document-content xmlns:office="{names}office:1.0" xmlns:table="{names}table:1.0" '
                f'xmlns:text="{names}text:1.0"><office:body><office:spreadsheet>{tables}</office:spreadsheet>'
                "</office:body></office:document-content>"
            ),
        }
    )


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


def column_name(at: int) -> str:
    return column_name(at // 26 - 1) + chr(65 + at % 26) if at >= 26 else chr(65 + at)


def serial(value: datetime.date) -> float:
    """A day as Excel counts it."""
    moment = (
        value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())
    )
    return (moment - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)


def _workbook(names: Sequence[str], hidden: Sequence[str], is_1904: bool) -> str:
    state = {True: 'state="hidden"', False: ""}
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{no}" r:id="rId{no}" {state[name in hidden]}/>'
        for no, name in enumerate(names, 1)
    )
    flag = ' date1904="1"' if is_1904 else ""
    return (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr{flag}/><sheets>{sheets}</sheets></workbook>'
    )


def _relations(targets: Sequence[tuple[str, str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for name, kind, target in targets
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{rows}</Relationships>'


def _xlsx_cell(place: str, cell: Any) -> str:
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool | ErrorCell):
        kind, value = ("b", int(cell)) if isinstance(cell, bool) else ("e", "#DIV/0!")
        return f'<c r="{place}" t="{kind}"><v>{value}</v></c>'
    if isinstance(cell, datetime.date):
        style = 2 if isinstance(cell, datetime.datetime) else 1
        return f'<c r="{place}" s="{style}"><v>{serial(cell)!r}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell!r}</v></c>'
    if cell.startswith("="):
        return f'<c r="{place}" t="str"><f>A1</f><v>{escape(cell[1:])}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'


def _ods_cell(cell: Any) -> str:
    if cell is None or cell == "":
        return "<table:table-cell/>"
    kind, value = "string", ""
    if isinstance(cell, bool):
        kind, value = "boolean", f'office:boolean-value="{str(cell).lower()}"'
    elif isinstance(cell, datetime.date):
        kind, value = "date", f'office:date-value="{cell.isoformat()}"'
    elif isinstance(cell, int | float):
        kind, value = "float", f'office:value="{cell!r}"'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(cell).split("\n"))
    return f'<table:table-cell office:value-type="{kind}" {value}>{lines}</table:table-cell>'
