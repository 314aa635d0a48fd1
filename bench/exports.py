"""What the programs that write exports cost: CPU, memory, disk, size, and when the first byte comes.

Runs each over drawn rows of results, with nothing of the service: no database, no HTTP. How fast rows come
from PostgreSQL is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from retailpulse.api.export import writer_process
from retailpulse.api.export.columns import RESULT_KINDS, parquet_layout, workbook_layout
from retailpulse.schema import RESULT_EXAMPLES

FOLDER = Path(writer_process.__file__).parent


def main() -> None:
    """Prints a line for each program."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows: int = parser.parse_args().rows
    columns = [name for name in RESULT_KINDS if name != "earlier"]
    kinds = {name: RESULT_KINDS[name] for name in columns}
    with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        _draw(file, rows)
        layouts = {
            "xlsx_writer.py": workbook_layout("results", kinds, folder),
            "parquet_writer.py": parquet_layout(columns),
        }
        for program, layout in layouts.items():
            file.seek(0)
            with _most_bytes(Path(folder)) as disk:
                cost = _measured(program, layout, file)
            print(f"{program:18} {rows:,} rows: {cost}, {max(disk) / 1e6:.0f} MB of disk")


@contextmanager
def _most_bytes(folder: Path) -> Iterator[list[int]]:
    """Sizes of all that is in a folder, as they were every 50 ms."""
    sizes, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.05):
            with suppress(FileNotFoundError):
                sizes.append(sum(path.lstat().st_size for path in folder.rglob("*")))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        is_over.set()
        thread.join()


def _draw(file: IO[bytes], rows: int) -> None:
    for number in range(1, rows + 1):
        example: dict[str, Any] = RESULT_EXAMPLES[number % len(RESULT_EXAMPLES)]
        url = f"https://photos.example/{number:08}/a-shelf.jpg"
        extra = example["extra"] and json.dumps(example["extra"])  # flat, as the database gives it
        row = {
            **example,
            **(example.get("checks") or {}),
            "image_no": number,
            "image_url": url,
            "extra": extra,
        }
        row["flags"] = " ".join(example["flags"])
        file.write(json.dumps(row).encode() + b"\n")


def _measured(program: str, layout: str, file: IO[bytes]) -> str:
    begin, first, size_bytes = time.monotonic(), 0.0, 0
    process = subprocess.Popen(
        [sys.executable, "-I", FOLDER / program, layout], stdin=file, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    while piece := os.read(process.stdout.fileno(), 1 << 18):
        first = first or time.monotonic() - begin
        size_bytes += len(piece)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0
    return (
        f"{usage.ru_utime + usage.ru_stime:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB of memory, "
        f"{size_bytes / 1e6:.1f} MB, first byte after {first:.2f} s"
    )


if __name__ == "__main__":
    main()
