"""A large job on a service whose statistics know only small ones: nothing compares each row with each."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.conftest import STORES
from tests.running import RunningService

HEADER = "store_id,image_url,visit_time\n"
ROWS = 20_000
SMALL_JOBS = 100


@pytest.fixture
def used(tmp_path: Path) -> Iterator[RunningService]:
    """A service that has done small jobs, and whose database has looked at them."""
    running = RunningService(tmp_path, is_migrated=True)
    try:
        running.wait_until_ready().http.put("/api/v1/stores", content=STORES.encode())
        for size in range(SMALL_JOBS):
            running.finished(submit(running, "RP00001", 1 + size % 7))
        with psycopg.connect(EmbeddedServer(running.data_dir).url(), autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield running
    finally:
        running.stop()


def submit(running: RunningService, store_id: str, rows: int) -> str:
    """Submits so many visits of one photo each, which has no URL that could be fetched."""
    body = HEADER + "".join(f"{store_id},u{number},visit {number}\n" for number in range(rows))
    answer = running.http.post("/api/v1/jobs", content=body, headers={"Content-Type": "text/csv"}, timeout=60)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


@pytest.mark.parametrize(("store_id", "cause"), [("RP00001", "bad_url"), ("nowhere", "store_id_not_found")])
@pytest.mark.slow
def test_a_large_job_of_one_photo_a_visit_is_taken_done_and_told(
    used: RunningService, store_id: str, cause: str
) -> None:
    job_id = submit(used, store_id, ROWS)
    assert used.finished(job_id)["causes"] == {cause: ROWS}
    (error,) = used.http.get("/api/status", params={"jobid": job_id}).json()["error"]
    assert f"{ROWS} of {ROWS} images" in error["error"]
    assert used.http.post(f"/api/v1/jobs/{job_id}/retry").status_code == 200
    assert used.finished(job_id)["causes"] == {cause: ROWS}
