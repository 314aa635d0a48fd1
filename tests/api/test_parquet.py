"""Results as Parquet: the rows of the other formats with types of their own, or a refusal that helps."""

import asyncio
import io
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from retailpulse.api.export.columns import parquet_layout
from retailpulse.api.export.parquet_writer import GROUP_ROWS
from retailpulse.api.export.writer_process import MAX_EXPORTS_OF_CALLER, written_by
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.web.quotas import Quota
from tests import processes
from tests.api.flat_rows import flat
from tests.api.jobs import CORNER_SHOP, NOWHERE, RunningApi, photo, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for
from tests.waiting import within

PARQUET = "application/vnd.apache.parquet"
SPECIAL = 'a,b;"c" d\ne\r\nf\tü \u2028 \x85 \\. \\N NULL '


def fetched(service: RunningService, job_id: str, **query: Any) -> parquet.ParquetFile:
    """The file of a job's results."""
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params={"format": "parquet", **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == PARQUET
    name = f"results-{job_id}.parquet"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    return parquet.ParquetFile(io.BytesIO(answer.content))


def rows_of(file: parquet.ParquetFile) -> list[dict[str, Any]]:
    """The rows of a file, with times as the other formats write them."""
    rows: list[dict[str, Any]] = file.read().to_pylist()
    for row in rows:
        at: datetime | None = row["settled_at"]
        row["settled_at"] = at and at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return rows


def as_ndjson(service: RunningService, job_id: str, **query: Any) -> list[dict[str, Any]]:
    """The same rows as NDJSON tells them."""
    query = {"format": "ndjson", **query}
    text = service.http.get(f"/api/v1/jobs/{job_id}/results", params=query).text
    return [flat(json.loads(line)) for line in text.splitlines()]


def writers(parent: int) -> list[int]:
    """The processes below one that write Parquet."""
    found = processes.children(parent)
    below = [pid for child in found for pid in writers(child)]
    return below + [pid for pid in found if "parquet_writer" in processes.command(pid)]


@pytest.fixture(scope="module")
def mixed(service: RunningService, origin: Origin) -> str:
    """A job with every kind of value in its results; gives its id."""
    fine = origin.serve("/parquet.png", Reply(body=photo(30, 20)))
    job_id = service.submit(
        [
            visit(CORNER_SHOP, fine, NOWHERE, origin.url("/parquet-gone.png")),
            visit(SPECIAL, f"u{SPECIAL}", at=f"t{SPECIAL}"),
            visit("NULL", "null", at='""'),
            visit(",", '"', at="\r"),
        ]
    )
    service.finished(job_id)
    return job_id


@pytest.fixture(scope="module")
def vast(service: RunningService) -> str:
    """A job whose Parquet is more than a connection takes ahead; gives its id."""
    visits = [visit("nobody", *[secrets.token_urlsafe(3_000) for _ in range(500)]) for _ in range(40)]
    return service.submit(visits)


def test_parquet_holds_the_rows_of_the_other_formats(service: RunningService, mixed: str) -> None:
    assert rows_of(fetched(service, mixed)) == as_ndjson(service, mixed)
    assert rows_of(fetched(service, mixed, outcome="measured")) == as_ndjson(
        service, mixed, outcome="measured"
    )


def test_numbers_and_times_have_types_of_their_own(service: RunningService, mixed: str) -> None:
    schema = fetched(service, mixed).schema_arrow
    assert schema.field("width").type == schema.field("image_no").type == pa.int32()
    assert schema.field("perimeter").type == schema.field("size_bytes").type == pa.int64()
    assert schema.field("settled_at").type == pa.timestamp("ms", "UTC")
    assert schema.field("sha256").type == schema.field("store_id").type == pa.string()


def test_no_row_is_a_file_with_columns_alone(service: RunningService, mixed: str) -> None:
    file = fetched(service, mixed, outcome="cancelled")
    assert (file.metadata.num_rows, file.schema_arrow.names) == (
        0,
        fetched(service, mixed).schema_arrow.names,
    )


def test_earlier_outcomes_are_json(service: RunningService, mixed: str) -> None:
    rows = fetched(service, mixed, include="earlier").read().to_pylist()
    assert [json.loads(row["earlier"]) for row in rows] == [[]] * 6


def test_many_rows_come_in_several_groups_that_lose_nothing(service: RunningService) -> None:
    job_id = service.submit([visit("nobody", *[f"u {number}" for number in range(GROUP_ROWS + 1)])])
    file = fetched(service, job_id)
    assert file.metadata.num_row_groups == 2
    assert file.read(["image_no"])["image_no"].to_pylist() == list(range(1, GROUP_ROWS + 2))
    assert file.read(["image_url"])["image_url"].to_pylist() == [f"u {n}" for n in range(GROUP_ROWS + 1)]


def test_a_client_that_leaves_ends_the_process_that_writes(service: RunningService, vast: str) -> None:
    query = {"format": "parquet"}
    with service.http.stream("GET", f"/api/v1/jobs/{vast}/results", params=query) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        wait_for(lambda: writers(service.process.pid), 10)
    wait_for(lambda: not writers(service.process.pid))


def test_one_caller_has_so_many_exports_at_once(service: RunningService, vast: str) -> None:
    path, query = f"/api/v1/jobs/{vast}/results", {"format": "parquet"}
    with ExitStack() as open_exports:

        def is_open() -> bool:
            """Whether one more has begun: the others may take the places at the database meanwhile."""
            with ExitStack() as this:
                answer = this.enter_context(service.http.stream("GET", path, params=query))
                if answer.status_code == 200:
                    open_exports.enter_context(this.pop_all())
                return answer.status_code == 200

        for _ in range(MAX_EXPORTS_OF_CALLER):
            wait_for(is_open)
        problem(service.http.get(path, params=query), 429, "too-many-requests")
    wait_for(lambda: service.http.get(path, params=query).status_code == 200)


async def test_a_file_begins_before_its_first_row_comes() -> None:
    has_begun = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        await has_begun.wait()
        yield b'{"image_no": 1}\n'

    slot = Quota(1, 1, "exports").acquire("anyone")
    file = written_by("parquet_writer.py", parquet_layout(["image_no"]), lines(), slot)
    first = await within(anext(file))
    assert first == b"PAR1"
    has_begun.set()
    rest = b"".join([piece async for piece in file])
    assert parquet.read_table(io.BytesIO(first + rest)).to_pylist() == [{"image_no": 1}]


async def test_rows_that_break_off_make_no_file() -> None:
    quota, received = Quota(1, 1, "exports"), b""

    async def lines() -> AsyncIterator[bytes]:
        yield b'{"image_no": 1}\n'
        raise ConnectionError

    with pytest.raises((ConnectionError, RuntimeError)):
        async for piece in written_by(
            "parquet_writer.py", parquet_layout(["image_no"]), lines(), quota.acquire("anyone")
        ):
            received += piece
    assert not received[4:].endswith(b"PAR1")
    quota.acquire("anyone")


def test_the_accept_header_may_ask_for_it(service: RunningService, mixed: str) -> None:
    answer = service.http.get(f"/api/v1/jobs/{mixed}/results", headers={"Accept": PARQUET})
    assert answer.headers["content-type"] == PARQUET
    assert answer.content.startswith(b"PAR1")


def test_a_service_without_the_library_says_what_to_install(
    service: RunningService, mixed: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['arro3'] = None\n")
    url = EmbeddedServer(service.data_dir).url()
    api = RunningApi(tmp_path, url, {"PYTHONPATH": str(tmp_path)})
    try:
        path = f"/api/v1/jobs/{mixed}/results"
        answer = api.wait_until_ready().http.get(path, params={"format": "parquet"})
        assert "retailpulse[parquet]" in problem(answer, 406, "not-acceptable")["detail"]
        assert api.http.get(path, params={"format": "csv"}).status_code == 200
    finally:
        assert api.stop() == 0, api.log()
