"""Which format a file has, by its first bytes: what a name or a Content-Type says is often wrong."""

from enum import StrEnum
from typing import IO

from retailpulse.domain.errors import InvalidRequest

HEAD_BYTES = 4096


class TableFormat(StrEnum):
    """What a file is."""

    TEXT = "CSV"
    JSON = "JSON"
    WORKBOOK = "a workbook"
    PARQUET = "Parquet"
    GZIP = "gzip"


_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KNOWN_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"<?xml", "XML"),
)
_HTML = (b"<!doctype", b"<html", b"<table", b"<meta")


def is_slow_to_read(file: IO[bytes]) -> bool:
    """Whether a file is one that is unpacked before it is read; it is left at its beginning."""
    file.seek(0)
    begin = file.read(4)
    file.seek(0)
    return begin.startswith((b"PK", b"PAR1", b"\x1f\x8b"))


def detect_format(file: IO[bytes]) -> TableFormat:
    """The format of a file that can be sought in; it is left at its beginning. Raises InvalidRequest."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return TableFormat.GZIP
    if head.startswith(b"PAR1"):
        return TableFormat.PARQUET
    if head.startswith(_OLE2):
        raise InvalidRequest(
            "the file is an old Excel workbook (.xls), or protected by a password: "
            "save it as Excel workbook (.xlsx) without a password, or as CSV UTF-8"
        )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        # What is in it is seen where it is read, in a process that may run out of memory.
        return TableFormat.WORKBOOK
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _KNOWN_OTHERS:
        if text.startswith(magic):
            raise InvalidRequest(f"the file is {what}, not a table: send CSV, XLSX, ODS or Parquet")
    if text[:10].lower().startswith(_HTML):  # web applications call it .xls
        raise InvalidRequest(
            "the file is an HTML page: open it in a spreadsheet, and save it as XLSX or CSV UTF-8"
        )
    return TableFormat.JSON if text.startswith((b"{", b"[")) else TableFormat.TEXT
