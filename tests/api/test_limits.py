"""How much the API takes at once: images that wait, bodies in memory."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import NOWHERE, RunningApi, body, post, visit
from tests.api.test_submit import refused
from tests.conftest import STORES
from tests.migrated_data import start_migrated
from tests.running import wait_for

LIMITS = {"RETAILPULSE_API_MAX_UNSETTLED_IMAGES": "10", "RETAILPULSE_API_BUFFER_BYTES": "1000000"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API that nobody works for, so that images wait for ever."""
    folder: Path = tmp_path_factory.mktemp("full")
    server = EmbeddedServer(folder / "data")
    try:
        api = RunningApi(folder, start_migrated(server), LIMITS)
        api.wait_until_ready().http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        yield api
        assert api.stop() == 0, api.log()
    finally:
        server.stop()


def waiting_of(api: RunningApi, job_id: str) -> int:
    """How many images of a job wait in line."""
    with psycopg.connect(api.database_url) as connection:
        query = "SELECT coalesce(sum(cardinality(image_nos)), 0)::int FROM slices WHERE job_id = %s"
        ((images,),) = connection.execute(query, [job_id]).fetchall()
    return int(images)


def test_a_body_beyond_the_room_that_is_left_is_refused_for_now(api: RunningApi) -> None:
    big = " " * 200_000 + "{}"
    with ExitStack() as slow:

        def is_refused_near_a_slow_one() -> bool:
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            connection.sendall(
                b"POST /api/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{"
            )
            return post(api, big).status_code == 503

        wait_for(is_refused_near_a_slow_one)  # it may come first, and then the slow one is refused
        answer = post(api, big)
        assert int(answer.headers["retry-after"]) > 0
        assert "too many large submits at once" in refused(answer, 503)
        assert post(api, "{}").status_code == 400  # a small one still has room
    wait_for(lambda: post(api, big).status_code == 400)


def test_one_body_alone_may_be_larger_than_the_room(api: RunningApi) -> None:
    assert "visits" in refused(post(api, " " * 1_500_000 + '{"count": 0, "visits": []}'))


def test_beyond_so_many_images_that_wait_submits_are_refused_for_now(api: RunningApi) -> None:
    assert api.http.get("/health/ready").json()["workers"] == 0
    some = body(visit("RP00001", *[f"{NOWHERE} {number}" for number in range(6)]))
    first = post(api, some)
    assert first.status_code == 201
    answer = post(api, some)
    assert int(answer.headers["retry-after"]) > 0
    assert "6 images wait for a result, and 10 may" in refused(answer, 503)
    assert post(api, body(visit())).status_code == 201
    job_id = first.json()["job_id"]
    assert waiting_of(api, job_id) == 6
    api.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
    assert waiting_of(api, job_id) == 0
    wait_for(lambda: post(api, some).status_code == 201)
