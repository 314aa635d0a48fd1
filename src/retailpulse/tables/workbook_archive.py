"""The zip archive that a workbook is: what it may unpack into, and which cells of XLSX hold an error.

calamine reads an error as an empty cell, which would be taken for one. Not here: any other cell.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from retailpulse.domain.errors import InvalidRequest

MAX_ENTRIES = 10_000
MAX_RATIO = 250
"""Most bytes that a byte may unpack into, of archives that unpack into more than `FREE_BYTES`."""
FREE_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20
_OVERLAP_BYTES = 512
_ERROR_CELL = re.compile(
    rb"<(?:\w+:)?c\b(?=[^<>]*\bt=[\"']e[\"'])[^<>]*\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']"
)
_TYPE = re.compile(rb"t=[\"']e[\"']")
"""What such a cell has; most sheets have none, and are searched for this at once."""
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
MAX_ERRORS = 100_000
"""Error cells of a sheet that are known as such; a table has no more of use."""


class Archive:
    """An archive that is not too large once it is unpacked; raises InvalidRequest."""

    def __init__(self, content: bytes, unpacked_bytes: int) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            raise InvalidRequest(
                "the file begins like an XLSX or ODS workbook, but is damaged or cut off: save it again"
            ) from None
        entries = self._zip.infolist()
        total = sum(entry.file_size for entry in entries)
        packed = sum(entry.compress_size for entry in entries)
        if len(entries) > MAX_ENTRIES:
            raise InvalidRequest(f"the workbook has more than {MAX_ENTRIES} parts")
        if total > unpacked_bytes or (total > FREE_BYTES and total > MAX_RATIO * packed):
            raise InvalidRequest(
                f"the workbook unpacks into {total} bytes, more than is read: split it, or save it as CSV"
            )
        self._names = set(self._zip.namelist())
        self.kind = self._kind()

    def _kind(self) -> str:
        if "xl/workbook.bin" in self._names:
            raise InvalidRequest(
                "the file is a binary workbook (.xlsb): save it as Excel workbook (.xlsx) or CSV UTF-8"
            )
        if "xl/workbook.xml" in self._names:
            return "XLSX"
        if "content.xml" in self._names:
            return "ODS"
        raise InvalidRequest("the file is a zip archive without a workbook in it: send the table itself")

    def error_cells(self, sheet: str) -> Mapping[int, list[int]]:
        """The rows of a sheet, from 1, that hold errors such as #N/A, and in which columns, from 0."""
        part = self._part_of(sheet) if self.kind == "XLSX" else None
        found: dict[int, list[int]] = {}
        if part is None:
            return found
        count = 0
        with self._zip.open(part) as file:
            held = b""
            while block := file.read(_BLOCK_BYTES):
                held += block
                end = 0
                for cell in _ERROR_CELL.finditer(held) if _TYPE.search(held) else ():
                    count += 1
                    if count > MAX_ERRORS:
                        return found
                    found.setdefault(int(cell[2]), []).append(_column(cell[1]))
                    end = cell.end()
                held = held[max(end, len(held) - _OVERLAP_BYTES) :]
        return found

    def _part_of(self, sheet: str) -> str | None:
        """The part of an XLSX that holds a sheet."""
        try:
            # What XML can do to a process, it does to this one, which is confined.
            workbook = ET.fromstring(self._zip.read("xl/workbook.xml"))  # noqa: S314
            relations = ET.fromstring(self._zip.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        except (KeyError, ET.ParseError):
            return None
        wanted = {
            node.get(_RELATION)
            for node in workbook.iter()
            if _tag(node) == "sheet" and node.get("name") == sheet
        }
        for node in relations:
            if node.get("Id") in wanted and (target := node.get("Target")):
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                return part if part in self._names else None
        return None


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
