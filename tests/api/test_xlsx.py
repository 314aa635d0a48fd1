"""Results as XLSX: the rows of the other formats, as a spreadsheet has them."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests import processes
from tests.api.export.workbooks import opened, table
from tests.api.jobs import CORNER_SHOP, NOWHERE, RunningApi, photo, visit
from tests.api.test_parquet import as_ndjson
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def fetched(service: RunningService, job_id: str, **query: Any) -> httpx.Response:
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params={"format": "xlsx", **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == f'attachment; filename="results-{job_id}.xlsx"'
    return answer


@pytest.fixture(scope="module")
def mixed(service: RunningService, origin: Origin) -> str:
    """A job with a measured image, failures, and texts that try to be formulas; gives its id."""
    fine = origin.serve("/xlsx.png", Reply(body=photo(30, 20)))
    job_id = service.submit(
        [visit(CORNER_SHOP, fine, NOWHERE), visit("=1+1", "@SUM(A1)", at="-5"), visit("plain", "a b")]
    )
    service.finished(job_id)
    return job_id


def test_a_workbook_holds_the_rows_of_the_other_formats(service: RunningService, mixed: str) -> None:
    rows = table(opened(fetched(service, mixed).content)["results"])
    expected = as_ndjson(service, mixed)
    for row in expected:
        row["settled_at"] = datetime.fromisoformat(row["settled_at"]).replace(tzinfo=None)
    assert rows == expected
    assert list(rows[0]) == list(expected[0])


def test_filters_and_earlier_outcomes_are_those_of_the_other_formats(
    service: RunningService, mixed: str
) -> None:
    rows = table(opened(fetched(service, mixed, outcome="measured", include="earlier").content)["results"])
    assert [(row["image_no"], row["perimeter"], row["earlier"]) for row in rows] == [(1, 100, "[]")]


def test_accept_asks_for_it_too(service: RunningService, mixed: str) -> None:
    answer = service.http.get(f"/api/v1/jobs/{mixed}/results", headers={"Accept": XLSX})
    assert answer.headers["content-type"] == XLSX
    assert len(table(opened(answer.content)["results"])) == 4


def writers(parent: int) -> list[int]:
    """The processes below one that write XLSX."""
    found = processes.children(parent)
    below = [pid for child in found for pid in writers(child)]
    return below + [pid for pid in found if "xlsx_writer" in processes.command(pid)]


@pytest.fixture
def spooling(service: RunningService, tmp_path: Path) -> Iterator[tuple[RunningApi, Path]]:
    """An API with a folder of its own for temporary files."""
    spool = tmp_path / "spool"
    spool.mkdir()
    url = EmbeddedServer(service.data_dir).url()
    api = RunningApi(tmp_path, url, {"RETAILPULSE_API_SPOOL_DIR": str(spool)})
    try:
        yield api.wait_until_ready(), spool
    finally:
        assert api.stop() == 0, api.log()


def test_a_client_that_leaves_ends_the_process_and_its_temporary_files(
    service: RunningService, spooling: tuple[RunningApi, Path]
) -> None:
    api, spool = spooling
    # More than a connection takes ahead, however well it is compressed.
    vast = service.submit(
        [visit("nobody", *[secrets.token_urlsafe(3_000) for _ in range(500)]) for _ in range(20)]
    )
    with api.http.stream("GET", f"/api/v1/jobs/{vast}/results", params={"format": "xlsx"}) as answer:
        assert answer.status_code == 200
        wait_for(lambda: list(spool.glob("*/*")))
        assert writers(api.process.pid)
    wait_for(lambda: not list(spool.iterdir()) and not writers(api.process.pid))
