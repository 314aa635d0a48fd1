"""How much memory a workbook takes to read: `python -m bench.workbooks --rows 100000`.

It prints the peak of the process that reads it and of this one, which stands for the API.
"""

import argparse
import io
import resource
import tempfile
import time
import zipfile
from typing import IO

from tests.tables.workbooks import xlsx

from retailpulse.tables import VISIT_COLUMNS, open_table

COLUMNS = ["store_id", "image_url", "visit_time", "note"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    with tempfile.TemporaryFile() as file:
        size = _write(file, parser.parse_args().rows)
        before = _peak_mb(resource.RUSAGE_SELF)
        begin = time.perf_counter()
        with open_table(file, VISIT_COLUMNS) as table:
            count = sum(1 for _ in table)
        seconds = time.perf_counter() - begin
    print(f"{count} rows, {size / 1e6:.1f} MB, read in {seconds:.1f} s")
    print(f"peak of the process that reads: {_peak_mb(resource.RUSAGE_CHILDREN):.0f} MB")
    print(f"peak of its parent: {_peak_mb(resource.RUSAGE_SELF):.0f} MB, {before:.0f} MB before")


def _write(file: IO[bytes], rows: int) -> int:
    """An XLSX of visits, written row by row."""
    empty = zipfile.ZipFile(io.BytesIO(xlsx({"Visits": [["@"]]})))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in empty.namelist():
            content = empty.read(name)
            if not name.endswith("sheet1.xml"):
                packed.writestr(name, content)
                continue
            begin, end = content.split(b'<row r="1">')[0], b"</sheetData></worksheet>"
            with packed.open(name, "w") as part:
                part.write(begin + _row(1, COLUMNS))
                for line in range(2, rows + 2):
                    url = f"https://photos.example/2026/{line:08}.jpg"
                    part.write(_row(line, [f"RP{line % 5000:05}", url, "2026-11-20 10:00", f"visit {line}"]))
                part.write(end)
    return file.tell()


def _row(line: int, cells: list[str]) -> bytes:
    texts = "".join(
        f'<c r="{letter}{line}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for letter, cell in zip("ABCD", cells, strict=True)
    )
    return f'<row r="{line}">{texts}</row>'.encode()


def _peak_mb(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    main()
