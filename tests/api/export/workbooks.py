"""Makes workbooks of rows by the program that the API runs, and reads them as another program does."""

import io
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import openpyxl

from retailpulse.api.export import xlsx_writer
from retailpulse.api.export.columns import workbook_layout

PROGRAM = Path(xlsx_writer.__file__)


def made(kinds: Mapping[str, str], rows: Iterable[Mapping[str, Any]], title: str = "rows") -> bytes:
    """The workbook of rows, as the API has it made."""
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    run = subprocess.run(
        command(kinds, title=title), input=lines, capture_output=True, check=True, timeout=60
    )
    assert run.stderr == b""
    return run.stdout


def command(kinds: Mapping[str, str], folder: Path | None = None, title: str = "rows") -> list[str]:
    """The command that makes a workbook of its standard input."""
    layout = workbook_layout(title, kinds, str(folder) if folder else None)
    return [sys.executable, "-I", str(PROGRAM), layout]


def opened(content: bytes) -> Any:
    """A workbook as openpyxl has it."""
    return openpyxl.load_workbook(io.BytesIO(content))


def table(sheet: Any) -> list[dict[str, Any]]:
    """The rows of a sheet, by the names in its first one."""
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]
