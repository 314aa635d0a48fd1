"""Who may use the API is answered while others ask for more than it has: connections are shared out."""

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import CORNER_SHOP, RunningApi, body, post, problem, put_stores, store_file, visit
from tests.api.test_submit import refused
from tests.api.test_submit_timeout import jobs_locked
from tests.running import wait_for

MANY = 20
"""Requests of each kind at once: more than the pool has connections."""
IN_WORK = "a request with this Idempotency-Key is being worked on"


@contextmanager
def locked(url: str, *tables: str) -> Iterator[None]:
    """During the block whatever needs one of these tables waits."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        yield


def waiting_for_locks(url: str, least_seconds: float = 0) -> int:
    """How many statements wait for a lock, for so long at least."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND clock_timestamp() - query_start >= make_interval(secs => %s)",
            [least_seconds],
        )
        ((count,),) = cursor.fetchall()
    return int(count)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with guarded_by(tmp_path) as guarded:
        yield guarded


def test_status_keys_and_readiness_wait_for_nobody(guarded: Guarded) -> None:
    admin, reader = guarded.key(Scope.ADMIN), guarded.key(Scope.READ)
    api = guarded.api()
    api.http.headers.update(bearer(admin))
    put_stores(api, store_file([("1", "Corner Shop", CORNER_SHOP)])).raise_for_status()
    job_id = post(api, body(visit())).json()["job_id"]
    heavy = [
        ("POST", "/api/submit"),
        ("GET", "/api/v1/stores?q=corner"),
        ("GET", f"/api/v1/jobs/{job_id}/results?format=csv"),
        ("GET", f"/api/visits?storeid={CORNER_SHOP}"),
    ]
    refusals: Counter[str] = Counter()

    def ask(number: int) -> None:
        method, path = heavy[number % len(heavy)]
        content = body(visit()) if method == "POST" else None
        answer = httpx.request(method, api.url + path, json=content, headers=bearer(admin), timeout=60)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            refusals[answer.text.split(" are under way as the service takes at once")[0][-35:]] += 1

    with ThreadPoolExecutor(MANY * len(heavy)) as threads:
        with locked(guarded.url, "stores", "images", "results"):
            asked = [threads.submit(ask, number) for number in range(MANY * len(heavy))]
            wait_for(lambda: len(refusals) > 1 and waiting_for_locks(guarded.url) > 2)
            for _ in range(3):
                assert api.http.get("/health/ready").status_code == 200
                status = api.http.get("/api/status", params={"jobid": job_id}, headers=bearer(reader))
                assert status.json() == {"status": "ongoing", "job_id": job_id}
                assert api.http.get(f"/api/v1/jobs/{job_id}").status_code == 200
            assert waiting_for_locks(guarded.url) > 2
        for one in asked:
            one.result()
    assert any(text.endswith("submits and changes of jobs") for text in refusals), refusals
    assert any(text.endswith("searches, lists and exports") for text in refusals), refusals
    assert api.http.get("/api/v1/stores?q=corner").status_code == 200


def test_a_read_has_a_time_and_what_follows_on_its_connection_has_none(
    database_url: str, tmp_path: Path
) -> None:
    small = {"RETAILPULSE_DATABASE_READ_SECONDS": "0.2", "RETAILPULSE_DATABASE_POOL_SIZE": "2"}
    api = RunningApi(tmp_path, database_url, small)
    try:
        api.wait_until_ready()
        with ThreadPoolExecutor() as threads:
            with locked(database_url, "stores"):
                for _ in range(4):  # in turns on each connection of the pool
                    search = api.http.get("/api/v1/stores?q=corner")
                    detail = problem(search, 503, "unavailable")["detail"]
                    assert "worked on this for 0.2 s" in detail
                submit = threads.submit(post, api, body(visit()))
                wait_for(lambda: waiting_for_locks(database_url, least_seconds=0.5) or submit.done())
            assert submit.result().status_code == 201
    finally:
        assert api.stop() == 0, api.log()


def test_a_key_that_is_in_work_takes_no_connection(idle: RunningApi) -> None:
    headers, content = {"Idempotency-Key": str(uuid.uuid4())}, body(visit())

    def submit(keyed: bool) -> httpx.Response:
        named = headers if keyed else {}
        return httpx.post(f"{idle.url}/api/submit", json=content, headers=named, timeout=60)

    with ThreadPoolExecutor(MANY + 1) as threads:
        with jobs_locked(idle.database_url):
            first = threads.submit(submit, True)
            wait_for(lambda: waiting_for_locks(idle.database_url))
            others = [threads.submit(submit, False) for _ in range(MANY)]
            wait_for(lambda: any(one.done() for one in others))  # no connection is left for submits
            assert refused(submit(True), 503).startswith(IN_WORK)
        assert first.result().status_code == 201
        assert {one.result().status_code for one in others} == {201, 503}
    assert submit(True).json() == first.result().json()


def test_a_key_that_another_process_works_on_is_refused_at_once(
    database_url: str, tmp_path: Path, idle: RunningApi
) -> None:
    other = RunningApi(tmp_path / "other", database_url)
    headers, content = {"Idempotency-Key": str(uuid.uuid4())}, body(visit())

    def submit(api: RunningApi) -> httpx.Response:
        return api.http.post("/api/submit", json=content, headers=headers)

    try:
        other.wait_until_ready()
        with ThreadPoolExecutor() as threads:
            with jobs_locked(database_url):
                first = threads.submit(submit, idle)
                wait_for(lambda: waiting_for_locks(database_url))
                assert refused(submit(other), 503).startswith(IN_WORK)
                assert waiting_for_locks(database_url) == 1
            assert first.result().status_code == 201
        assert submit(other).json() == first.result().json()
    finally:
        assert other.stop() == 0, other.log()


def test_any_number_of_probes_asks_the_database_once(database_url: str, idle: RunningApi) -> None:
    with ThreadPoolExecutor(MANY) as threads:
        with locked(database_url, "alembic_version"):
            first = threads.submit(idle.http.get, "/health/ready")
            wait_for(lambda: waiting_for_locks(database_url))
            others = [threads.submit(idle.http.get, "/health/ready") for _ in range(MANY - 1)]
            assert idle.http.get("/health/live").status_code == 200
            assert waiting_for_locks(database_url) == 1
        assert {one.result().status_code for one in [first, *others]} == {200}


def test_event_streams_have_quotas_of_a_key_and_of_all(guarded: Guarded) -> None:
    quotas = {"RETAILPULSE_API_KEY_EVENT_STREAMS": "2", "RETAILPULSE_API_MAX_EVENT_STREAMS": "3"}
    keys = [guarded.key(Scope.ADMIN) for _ in range(2)]
    api = guarded.api(quotas)
    api.http.headers.update(bearer(keys[0]))
    put_stores(api, store_file([("1", "Corner Shop", CORNER_SHOP)])).raise_for_status()
    job_id = post(api, body(visit())).json()["job_id"]
    path = f"/api/v1/jobs/{job_id}/events"

    with httpx.Client(base_url=api.url, timeout=60) as client:

        def listening(key: str) -> httpx.Response:
            return client.send(client.build_request("GET", path, headers=bearer(key)), stream=True)

        def refusal(key: str, status: int, name: str) -> str:
            answer = listening(key)
            answer.read()
            assert int(answer.headers["retry-after"]) > 0
            return str(problem(answer, status, name)["detail"])

        def is_free() -> bool:
            answer = listening(keys[1])
            answer.read() if answer.status_code == 503 else opened.append(answer)
            return answer.status_code == 200

        opened = [listening(keys[0]), listening(keys[0])]
        assert "may have 2 event streams" in refusal(keys[0], 429, "too-many-requests")
        opened.append(listening(keys[1]))
        assert "3 event streams" in refusal(keys[1], 503, "unavailable")
        assert [answer.status_code for answer in opened] == [200] * 3
        assert api.http.get("/health/ready").status_code == 200
        opened.pop(0).close()
        wait_for(is_free)
        for answer in opened:
            answer.close()
