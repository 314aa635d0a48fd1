"""How long a submit waits for a database that takes its time: as long as is set, and no client longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from retailpulse.client.transports import LONG_SECONDS
from retailpulse.config.settings import ApiSettings
from retailpulse.service import SubmitTimeout
from retailpulse.storage.postgres.database import QUERY_TIMEOUT_SECONDS
from tests.api.jobs import RunningApi, body, post, visit


@contextmanager
def jobs_locked(url: str) -> Iterator[None]:
    """During the block the database does nothing with jobs."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.fixture
def hasty(database_url: str, tmp_path: Path) -> Iterator[RunningApi]:
    """An API that gives up soon; its client would wait for less than the time that is set without."""
    api = RunningApi(tmp_path, database_url, {"RETAILPULSE_API_SUBMIT_SECONDS": "0.3"})
    api.http.timeout = httpx.Timeout(ApiSettings().submit_seconds / 2)
    try:
        yield api.wait_until_ready()
    finally:
        code = api.stop()
    assert code == 0, api.log()


def test_a_submit_that_takes_too_long_is_refused_for_now_and_not_kept(
    hasty: RunningApi, database_url: str
) -> None:
    with jobs_locked(database_url):
        for path in ("/api/submit", "/api/v1/jobs"):
            answer = post(hasty, body(visit()), path)
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
    assert hasty.http.get("/api/v1/jobs").json()["items"] == []


def test_a_submit_may_take_longer_the_more_images_it_has() -> None:
    patience = SubmitTimeout(seconds=10, images_per_second=2_000)
    assert [patience.seconds_for(images) for images in (0, 20_000, 1_000_000)] == [10, 20, 510]


def test_our_own_client_waits_longer_than_the_largest_submit_may_take() -> None:
    api = ApiSettings()
    patience = SubmitTimeout(seconds=api.submit_seconds, images_per_second=api.submit_images_per_second)
    assert patience.seconds_for(api.max_images_per_job) + QUERY_TIMEOUT_SECONDS < LONG_SECONDS
