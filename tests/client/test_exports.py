"""Exports and reports of the client: files whose name says what they are, rows with their types."""

import gzip
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from retailpulse import client
from tests.canned import JOB_ID, Answer, CannedService, as_json
from tests.cli.test_report import ROWS, SUMS
from tests.client.conftest import Connect
from tests.running import wait_for

RESULTS = f"GET /api/v1/jobs/{JOB_ID}/results"


def test_a_path_that_ends_with_gz_is_compressed_and_its_size_is_told(
    canned: CannedService, connect: Connect, tmp_path: Path
) -> None:
    canned.on(RESULTS, Answer(body=b"image_no\n" * 1_000))
    path = tmp_path / "results.csv.gz"
    assert connect(canned.url).export(JOB_ID, path) == path.stat().st_size < 1_000
    assert gzip.decompress(path.read_bytes()) == b"image_no\n" * 1_000
    assert canned.asked[-1].query == "format=csv"


def test_a_file_that_is_open_gets_what_comes(canned: CannedService, connect: Connect, tmp_path: Path) -> None:
    canned.on(RESULTS, Answer(body=b"image_no\n"))
    with (tmp_path / "results.csv.gz").open("wb") as file:
        assert connect(canned.url).export(JOB_ID, file, format="csv") == 9
    assert (tmp_path / "results.csv.gz").read_bytes() == b"image_no\n"


@pytest.mark.parametrize("name", ["results.xlsx.gz", "results.gz", "results"])
def test_a_name_that_says_no_format_is_refused_before_anything_is_sent(
    canned: CannedService, connect: Connect, tmp_path: Path, name: str
) -> None:
    with pytest.raises(client.BadInput, match="xlsx"):
        connect(canned.url).export(JOB_ID, tmp_path / name)
    assert canned.asked == []


@pytest.mark.parametrize("kind", list(ROWS))
def test_rows_of_reports_have_types(canned: CannedService, connect: Connect, kind: str) -> None:
    canned.on(f"GET /api/v1/reports/{kind}", as_json({"items": [ROWS[kind] | SUMS], "next": None}))
    rows: list[Any] = list(getattr(connect(canned.url), f"report_{kind}")(from_day=date(2026, 11, 20)))
    assert canned.asked[-1].query == "from_day=2026-11-20&limit=1000"
    assert (rows[0].images, rows[0].failure_rate, rows[0].causes["timeout"]) == (1_009, 0.125, 1)
    if kind == "visits":
        assert rows[0].day == date(2026, 11, 20)


def test_lists_and_reports_are_written_to_files(canned: CannedService, connect: Connect) -> None:
    connected = connect(canned.url)
    for path, export in (
        ("visits", connected.export_visits),
        ("stores", connected.export_stores),
        ("photos", connected.export_photos),
        ("matches", connected.export_matches),
        ("reports/areas", lambda file, **options: connected.export_report("areas", file, **options)),
    ):
        canned.on(f"GET /api/v1/{path}", Answer(body=b"the file"))
        file = io.BytesIO()
        assert export(file, format="csv", area="1", safe="spreadsheet") == 8
        assert file.getvalue() == b"the file"
        assert canned.asked[-1].query == "area=1&format=csv&safe=spreadsheet"
    with pytest.raises(client.BadInput, match="stores"):
        connected.export_report("images", io.BytesIO(), format="csv")
    with pytest.raises(client.BadInput, match="safe"):
        connected.export_visits(io.BytesIO(), format="xlsx", safe="spreadsheet")


def test_a_workbook_may_be_long_in_coming_where_a_text_may_not(
    canned: CannedService, connect: Connect
) -> None:
    is_written = Event()

    def late() -> Iterator[bytes]:
        is_written.wait(30)
        yield b"the file"

    exports: list[Callable[..., object]] = [
        lambda client, **kinds: client.export(JOB_ID, io.BytesIO(), **kinds),
        lambda client, **kinds: b"".join(client.exported(JOB_ID, **kinds)),
        lambda client, **kinds: client.export_visits(io.BytesIO(), **kinds),
        lambda client, **kinds: client.export_stores(io.BytesIO(), **kinds),
        lambda client, **kinds: client.export_report("areas", io.BytesIO(), **kinds),
    ]
    for path in (f"jobs/{JOB_ID}/results", "visits", "stores", "reports/areas"):
        canned.on(f"GET /api/v1/{path}", *(Answer(body=late()) for _ in range(10)))
    impatient = connect(canned.url, timeout_seconds=0.2, patience_seconds=0)
    with ThreadPoolExecutor() as threads:
        workbooks = [threads.submit(export, impatient, format="xlsx") for export in exports]
        try:
            wait_for(lambda: len(canned.asked) == len(exports))
            for export in exports:
                with pytest.raises(client.Unreachable):
                    export(impatient, format="csv")
        finally:
            is_written.set()
        assert [workbook.result() for workbook in workbooks] == [8, b"the file", 8, 8, 8]
