"""What is answered while the database is away, and that the service finds it again by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, NO_JOB, RunningApi, body, post, problem, put_stores, store_file, visit
from tests.migrated_data import start_migrated
from tests.running import wait_for

REQUESTS = [
    ("GET", f"/api/status?jobid={NO_JOB}"),
    ("GET", f"/api/visits?storeid={CORNER_SHOP}"),
    ("GET", f"/api/v1/jobs/{NO_JOB}"),
    ("GET", f"/api/v1/jobs/{NO_JOB}/results"),
    ("GET", f"/api/v1/jobs/{NO_JOB}/results?format=csv"),
    ("GET", "/health/ready"),
]


class Lonely:
    """An API whose database comes and goes."""

    def __init__(self, folder: Path) -> None:
        self._data_dir = folder / "data"
        self._server = EmbeddedServer(self._data_dir)
        self.url = start_migrated(self._server)
        self.api = RunningApi(folder, self.url, {"RETAILPULSE_DATABASE_WAIT_SECONDS": "0.2"})

    def stop_database(self) -> None:
        """Ends the database and waits until the service has noticed."""
        self._server.stop()
        wait_for(lambda: self.api.answers(503))

    def start_database(self) -> None:
        """Starts the database and waits until the service has found it."""
        self._server = EmbeddedServer(self._data_dir)
        self._server.start()
        wait_for(lambda: self.api.answers(200))

    def close(self) -> None:
        """Ends both."""
        code = self.api.stop()
        self._server.stop()
        assert code == 0, self.api.log()


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lonely]:
    """An API without workers, on a database of its own with one store."""
    lonely = Lonely(tmp_path_factory.mktemp("lonely"))
    try:
        lonely.api.wait_until_ready()
        put_stores(lonely.api, store_file([("1", "Corner Shop", CORNER_SHOP)]))
        yield lonely
    finally:
        lonely.close()


def assert_unavailable(answer: httpx.Response) -> None:
    """The answer says that it is not now, and when to come again."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    text = "the database cannot take it now; try again later"
    if answer.request.url.path in {"/api/submit", "/api/status", "/api/visits"}:
        assert answer.json() == {"error": text}
    else:
        assert problem(answer, 503, "unavailable")["detail"] == text


def test_without_the_database_everything_is_refused_and_nothing_kept(lonely: Lonely) -> None:
    api = lonely.api
    before = post(api, body(visit(at="before the outage"))).json()["job_id"]
    lonely.stop_database()
    assert_unavailable(post(api, body(visit(at="in the outage"))))
    assert_unavailable(put_stores(api, store_file([("1", "New", "RP99999")])))
    for method, path in REQUESTS:
        assert_unavailable(api.http.request(method, path))
    assert api.http.get("/health/live").json() == {"status": "live"}
    assert post(api, "{").status_code == 400  # what is wrong anyway needs no database to be told
    assert api.http.get("/api/status?jobid=1").status_code == 400
    lonely.start_database()
    after = post(api, body(visit(at="after the outage"))).json()["job_id"]
    assert before < after
    (store,) = api.http.get("/api/visits", params={"storeid": CORNER_SHOP}).json()["results"]
    assert [row["date"] for row in store["data"]] == ["before the outage", "after the outage"]
    assert api.http.get("/api/visits", params={"storeid": "RP99999"}).status_code == 400


def test_an_export_that_loses_the_database_breaks_off_instead_of_looking_whole(lonely: Lonely) -> None:
    long = "x" * 1_000_000  # a page each, and far more in all than lies between the two ends
    submission = body(visit(CORNER_SHOP, *[f"{long}{n}" for n in range(20)]))
    job_id = post(lonely.api, submission).json()["job_id"]
    path = f"/api/v1/jobs/{job_id}/results?format=csv"
    headers = {"Accept-Encoding": "identity"}
    with ThreadPoolExecutor(1) as reader, lonely.api.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        blocks = answer.iter_raw()
        next(blocks)
        with psycopg.connect(lonely.url) as other, psycopg.connect(lonely.url, autocommit=True) as looking:
            other.execute("LOCK TABLE results")  # the next page is asked for, and does not come
            reading = reader.submit(list, blocks)
            waiting = "SELECT FROM pg_locks WHERE NOT granted"
            wait_for(lambda: looking.execute(waiting).fetchall())
            lonely.stop_database()
            other.close()
        with pytest.raises(httpx.RemoteProtocolError):
            reading.result(timeout=60)
    lonely.start_database()
    assert lonely.api.http.get(path).text.count(long) == 20
