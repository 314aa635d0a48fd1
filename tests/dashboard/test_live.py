"""Live updates of pages: what a tab is told, who may listen, how many, and how it ends."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import CORNER_SHOP, NO_JOB, RunningApi, put_stores, store_file, visit
from tests.dashboard.tabs import asked, tab
from tests.running import wait_for

TABS = 100
HTML = {"Accept": "text/html"}


@contextmanager
def opened(api: RunningApi) -> Iterator[RunningApi]:
    """The same API with a store, so that jobs wait: it has no worker."""
    put_stores(api, store_file([("1", "Corner Shop", CORNER_SHOP)])).raise_for_status()
    yield api


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API without keys, whose jobs only wait."""
    with guarded_by(tmp_path_factory.mktemp("waiting")) as guarded, opened(guarded.api()) as api:
        yield api


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("live")) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def admin(guarded: Guarded) -> dict[str, str]:
    return bearer(guarded.key(Scope.ADMIN))


@pytest.fixture(scope="module")
def api(guarded: Guarded, admin: dict[str, str]) -> RunningApi:
    assert admin  # so that a key was made
    return guarded.api()


def submit(api: RunningApi, name: str) -> str:
    answer = api.http.post("/api/v1/jobs", json={"name": name, "visits": [visit()]})
    return str(answer.raise_for_status().json()["job_id"])


def test_a_tab_is_told_the_page_and_then_what_changes_in_it(waiting: RunningApi) -> None:
    job_id = submit(waiting, "told to a tab")
    with tab(waiting, f"/jobs/{job_id}") as listening:
        assert listening.answer.headers["content-type"].startswith("text/event-stream")
        first = listening.event()
        assert set(first["parts"]) == {"title", "job-state", "job-actions", "summary", "filters", "photo-1"}
        assert "Waiting" in first["parts"]["job-state"] or "Running" in first["parts"]["job-state"]
        waiting.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
        changed = next(news["parts"] for news in listening if news["parts"])
        assert "Cancelled" in changed["job-state"]
        assert "Cancel the job" not in changed["job-actions"]
        assert "Waiting" not in changed["filters"]
        assert "cancelled" in changed["photo-1"]
    with tab(waiting, "/jobs") as listening:
        listening.event()
        submit(waiting, "a job <of> its own")
        changed = next(news for news in listening if news["parts"])
        assert set(changed["parts"]) == {"jobs"}
        assert "a job &lt;of&gt; its own" in changed["parts"]["jobs"]


def test_the_parts_are_those_of_the_page(waiting: RunningApi) -> None:
    for path in ("/", "/?period=day", "/jobs?state=ongoing", "/system", "/system/hosts"):
        with tab(waiting, path) as listening:
            parts = listening.event()["parts"]
        assert parts.pop("title")
        assert parts
        shown = waiting.http.get(path, headers=HTML).text
        assert all(f'id="{name}"' in shown for name in parts)


def test_who_cannot_have_the_page_gets_no_news_of_it(waiting: RunningApi) -> None:
    assert asked(waiting, f"/jobs/{NO_JOB}").status_code == 404
    assert asked(waiting, "/stores").status_code == 204  # nothing in it changes by itself
    assert asked(waiting, "/sign-in").headers["content-type"].startswith("text/html")


def test_scopes_and_keys_count_as_for_the_page(api: RunningApi, guarded: Guarded) -> None:
    reader = bearer(guarded.key(Scope.READ))
    assert asked(api, "/jobs").status_code == 401
    assert asked(api, "/system/keys", reader).status_code == 403
    with tab(api, "/jobs", reader) as listening:
        assert "jobs" in listening.event()["parts"]


def test_tabs_hold_no_connection_to_the_database(waiting: RunningApi) -> None:
    with ExitStack() as stack:
        tabs = [stack.enter_context(tab(waiting, "/")) for _ in range(TABS)]
        submit(waiting, "told to all")
        with ThreadPoolExecutor(TABS) as threads:
            told = list(threads.map(lambda one: "told to all" in one.event_of("recent"), tabs))
        with psycopg.connect(waiting.database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'retailpulse'"
            ).fetchone()
        assert waiting.http.get("/health/ready").status_code == 200
    assert len(told) == TABS
    assert row is not None
    assert row[0] <= 8


def test_there_are_limits_to_the_tabs_of_a_key_and_of_all(guarded: Guarded) -> None:
    quotas = {"RETAILPULSE_API_KEY_LIVE_PAGES": "2", "RETAILPULSE_API_MAX_LIVE_PAGES": "3"}
    first, second = (bearer(guarded.key(Scope.READ)) for _ in range(2))
    api = guarded.api(quotas)
    with ExitStack() as stack:
        tabs = [stack.enter_context(tab(api, "/jobs", key)) for key in (first, first, second)]
        for one in tabs:
            assert one.event()["parts"]
        for key, status in ((first, 429), (second, 503)):
            refused = asked(api, "/jobs", key)
            assert refused.status_code == status
            assert int(refused.headers["retry-after"]) > 0
            assert "live pages" in refused.text
            assert api.http.get("/jobs", headers={**HTML, **key}).status_code == 200
        tabs[0].answer.close()
        wait_for(lambda: _is_let_in(api, first))


def test_live_pages_leave_two_thirds_of_the_connections(guarded: Guarded, admin: dict[str, str]) -> None:
    api = guarded.api({"RETAILPULSE_API_MAX_CONNECTIONS": "6"})
    with tab(api, "/jobs", admin), tab(api, "/jobs", admin):
        assert asked(api, "/jobs", admin).status_code == 503
        assert api.http.get("/jobs", headers={**HTML, **admin}).status_code == 200


def test_a_tab_that_takes_nothing_leaves_its_place(guarded: Guarded, admin: dict[str, str]) -> None:
    api = guarded.api({"RETAILPULSE_API_ANSWER_SECONDS": "2", "RETAILPULSE_API_KEY_LIVE_PAGES": "1"})
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # less than the first news
        silent.connect(("127.0.0.1", api.port))
        asking = {"Host": "127.0.0.1", "Accept": "text/event-stream", **admin}
        lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in asking.items()), "", ""]
        silent.sendall("\r\n".join(lines).encode())
        silent.settimeout(60)
        # It has the place before anything else asks for it; what came is left where it is.
        assert silent.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        assert not _is_let_in(api, admin)
        wait_for(lambda: _is_let_in(api, admin))


def _is_let_in(api: RunningApi, key: dict[str, str]) -> bool:
    with tab(api, "/jobs", key) as again:
        return again.answer.status_code == 200


def sign_in(api: RunningApi, key: str) -> dict[str, str]:
    api.http.cookies.clear()  # as another browser
    answer = api.http.post("/sign-in", data={"key": key, "to": "/"}, headers={"Origin": api.url, **HTML})
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_the_news_end_with_the_session_and_with_the_key(api: RunningApi, guarded: Guarded) -> None:
    keys = [guarded.key(Scope.READ) for _ in range(3)]
    out, revoked, staying = (sign_in(api, key) for key in keys)
    with (
        tab(api, "/jobs", staying) as going_on,
        tab(api, "/jobs", out) as signed_out,
        tab(api, "/jobs", revoked) as of_revoked,
        tab(api, "/jobs", bearer(keys[1])) as by_key,
    ):
        for one in (going_on, signed_out, of_revoked, by_key):
            one.event()
        api.http.post("/sign-out", data={}, headers={"Origin": api.url, **out})
        signed_out.wait_for_end()
        with psycopg.connect(guarded.url, autocommit=True) as connection:
            connection.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", [keys[1][3:15]])
        of_revoked.wait_for_end()
        by_key.wait_for_end()
        assert going_on.event()["at"]
        assert asked(api, "/jobs", revoked).status_code == 401


def test_the_first_key_ends_the_news_of_those_without(tmp_path: Path) -> None:
    with guarded_by(tmp_path) as guarded:
        api = guarded.api()
        with tab(api, "/jobs") as listening:
            listening.event()
            guarded.key(Scope.ADMIN)
            listening.wait_for_end()


def test_a_stop_ends_all_streams_at_once(guarded: Guarded, admin: dict[str, str]) -> None:
    api = guarded.api()
    with ExitStack() as stack:
        tabs = [stack.enter_context(tab(api, path, admin)) for path in ("/", "/jobs", "/system") * 10]
        for one in tabs:
            one.event()
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(api.stop)
            for one in tabs:
                one.wait_for_end()  # by the last chunk: a stream that is cut off would fail here
            assert stopping.result() == 0, api.log()


def test_a_tab_is_told_that_the_database_is_away_and_back(tmp_path: Path) -> None:
    with guarded_by(tmp_path) as guarded:
        api = guarded.api()
        with tab(api, "/jobs") as listening:
            assert not listening.event()["away"]
            guarded.stop()
            assert next(news for news in listening if news["away"])
            guarded.start()
            assert next(news for news in listening if not news["away"])


def test_a_name_of_a_person_is_in_no_news(api: RunningApi, guarded: Guarded) -> None:
    key = bearer(guarded.key(Scope.READ))
    for path in ("/", "/jobs", "/system"):
        assert "a test" in api.http.get(path, headers={**HTML, **key}).text
        with tab(api, path, key) as listening:
            assert all("a test" not in part for part in listening.event()["parts"].values())
