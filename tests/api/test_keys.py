"""API keys: who gets in with which, what who does not get in is told, and that secrets are kept nowhere."""

import http.client
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from litestar.handlers import HTTPRouteHandler

from retailpulse.api.app import HANDLERS
from retailpulse.domain.api_keys import Scope
from retailpulse.web.middleware.scopes import needed_scope
from tests.api.guarded import Guarded, bearer, guarded_by, problem_of
from tests.api.jobs import NO_JOB, NOWHERE, RunningApi, body, problem, visit
from tests.log_lines import log_lines
from tests.running import wait_for

PUBLIC = ("/health", "/problems", "/docs", "/openapi.json")
JOB = f"/api/v1/jobs/{NO_JOB}"  # 404 for who is let in
CHALLENGE = 'Bearer realm="retailpulse"'


def routes() -> Iterator[tuple[str, str]]:
    """Every route, with an id that no job has."""
    for handler in HANDLERS:
        assert isinstance(handler, HTTPRouteHandler)
        for path in handler.paths:
            for method in handler.http_methods:
                yield str(method), re.sub(r"{\w+(:\w+)?}", NO_JOB, path)


ROUTES = sorted(set(routes()))
PRIVATE = [route for route in ROUTES if not route[1].startswith(PUBLIC)]
BY_METHOD = {"GET": Scope.READ, "POST": Scope.SUBMIT, "PUT": Scope.ADMIN, "DELETE": Scope.ADMIN}


def expected(method: str, path: str) -> Scope:
    """The scope that a route should need."""
    if path.startswith("/debug"):
        return Scope.ADMIN
    is_decision = method != "GET" and path.endswith("/review")
    return Scope.REVIEW if is_decision else BY_METHOD[method]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        guarded.key(Scope.ADMIN)
        yield guarded


@pytest.fixture(scope="module")
def api(guarded: Guarded) -> RunningApi:
    """An API that wants a key, and logs all that it can log."""
    return guarded.api({"RETAILPULSE_LOG_LEVEL": "DEBUG"})


@pytest.fixture(scope="module")
def keys(guarded: Guarded) -> dict[Scope, str]:
    """A key for each scope alone."""
    return {scope: guarded.key(scope) for scope in Scope}


def jobs_in(guarded: Guarded) -> int:
    with psycopg.connect(guarded.url) as connection:
        return connection.execute("SELECT FROM jobs").rowcount


def test_there_are_routes_for_everybody_and_others() -> None:
    assert len(PRIVATE) > 6
    assert len(ROUTES) - len(PRIVATE) > 4


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_without_a_key_nothing_is_told(api: RunningApi, method: str, path: str) -> None:
    answer = api.http.request(method, path)
    if path in {"/api/submit", "/api/status", "/api/visits"}:
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
        assert answer.headers["content-type"] == "application/json"
    else:
        problem(answer, 401, "unauthenticated")
        nothing = api.http.request(method, "/api/v1/no/such/thing")
        assert problem_of(answer) == problem_of(nothing)
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_with_another_scope_than_it_needs_it_is_forbidden(
    api: RunningApi, keys: dict[Scope, str], method: str, path: str
) -> None:
    needed = expected(method, path)
    for scope in set(Scope) - {needed, Scope.ADMIN}:
        answer = api.http.request(method, path, headers=bearer(keys[scope]))
        assert answer.status_code == 403
        assert answer.headers["www-authenticate"] == (
            f'{CHALLENGE}, error="insufficient_scope", scope="{needed}"'
        )
        assert f"lacks the scope {needed}" in answer.text


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_with_its_scope_or_admin_it_is_answered(
    api: RunningApi, keys: dict[Scope, str], method: str, path: str
) -> None:
    for scope in {expected(method, path), Scope.ADMIN}:
        with api.http.stream(method, path, headers=bearer(keys[scope])) as answer:
            assert answer.status_code not in {401, 403}


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "TRACE", "NONSENSE"])
def test_methods_that_no_route_has_need_a_key_too(api: RunningApi, method: str) -> None:
    assert api.http.request(method, f"/api/v1/jobs/{NO_JOB}").status_code == 401


@pytest.mark.parametrize("path", ["/health/ready", "/health/live", "/problems/not-found", "/openapi.json"])
def test_what_says_nothing_about_data_needs_no_key(api: RunningApi, path: str) -> None:
    assert api.http.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/healthy", "/docsx", "//api/v1/jobs", "/problems/../api/v1/jobs", "/docs/%2e%2e/api/v1/jobs", "/"],
)
def test_no_other_spelling_gets_around_the_key(api: RunningApi, path: str) -> None:
    url = httpx.URL(api.url).copy_with(raw_path=path.encode())
    assert api.http.get(url).status_code in {401, 404}
    assert "items" not in api.http.get(url).text


def test_an_existing_job_and_a_missing_one_look_the_same_without_a_key(
    api: RunningApi, keys: dict[Scope, str]
) -> None:
    job = body(visit("nobody", NOWHERE))
    made = api.http.post("/api/v1/jobs", json=job, headers=bearer(keys[Scope.SUBMIT]))
    assert made.status_code == 201
    job_id = made.json()["job_id"]
    with_key = api.http.get(f"/api/v1/jobs/{job_id}", headers=bearer(keys[Scope.READ]))
    assert with_key.json()["job_id"] == job_id
    for headers in ({}, bearer("rp_000000000000_" + "0" * 64)):
        existing, missing = (
            api.http.get(f"/api/v1/jobs/{some}", headers=headers) for some in (job_id, NO_JOB)
        )
        assert existing.status_code == 401
        assert problem_of(existing) == problem_of(missing)


@pytest.mark.parametrize("path", ["/api/submit", "/api/v1/jobs"])
def test_who_may_not_submit_makes_no_job(
    guarded: Guarded, api: RunningApi, keys: dict[Scope, str], path: str
) -> None:
    before = jobs_in(guarded)
    job = body(visit())
    assert api.http.post(path, json=job).status_code == 401
    assert api.http.post(path, json=job, headers=bearer(keys[Scope.READ])).status_code == 403
    assert jobs_in(guarded) == before


def test_a_client_that_sends_all_before_it_reads_is_told_too(api: RunningApi) -> None:
    line = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    with closing(line):
        line.request("POST", "/api/v1/jobs", b" " * 30_000_000)
        assert line.getresponse().status == 401


def wrong_ones(key: str) -> dict[str, str]:
    """Headers that are nearly right."""
    key_id, secret = key[3:15], key[16:]
    return {
        "no secret": f"Bearer rp_{key_id}",
        "another secret": f"Bearer rp_{key_id}_{'0' * 64}",
        "a secret cut short": f"Bearer {key[:-1]}",
        "a secret too long": f"Bearer {key}0",
        "in capitals": f"Bearer {key.upper()}",
        "an unknown id": f"Bearer rp_000000000000_{secret}",
        "without its kind": key,
        "of another kind": f"Basic {key}",
        "twice": f"Bearer {key} {key}",
        "empty": "",
        "not ASCII": "Bearer r\xe9",
    }


@pytest.mark.parametrize("what", list(wrong_ones("rp_")))
def test_a_wrong_key_is_no_key(api: RunningApi, keys: dict[Scope, str], what: str) -> None:
    header = wrong_ones(keys[Scope.ADMIN])[what].encode("latin-1")
    answer = api.http.get(JOB, headers={b"Authorization": header})
    said = problem(answer, 401, "unauthenticated")
    assert said["detail"].startswith("the API key is not valid")
    assert answer.headers["www-authenticate"] == f'{CHALLENGE}, error="invalid_token"'
    assert keys[Scope.ADMIN][16:] not in answer.text


def test_the_kind_is_read_in_any_case(api: RunningApi, keys: dict[Scope, str]) -> None:
    headers = {"authorization": f"bEARER  {keys[Scope.READ]}"}
    assert api.http.get(f"/api/status?jobid={NO_JOB}", headers=headers).status_code == 400


def test_a_revoked_key_is_refused_within_seconds_on_every_process(guarded: Guarded, api: RunningApi) -> None:
    key = guarded.key(Scope.READ)
    apis = [api, guarded.api()]

    def answers() -> set[int]:
        return {one.http.get(JOB, headers=bearer(key)).status_code for one in apis}

    assert answers() == {404}
    revoke(guarded, key)
    wait_for(lambda: answers() == {401}, seconds=5)
    said = problem(apis[1].http.get(JOB, headers=bearer(key)), 401, "unauthenticated")
    assert "was revoked" in said["detail"]
    other = api.http.get(JOB, headers=bearer(f"{key[:16]}{'0' * 64}"))
    assert "revoked" not in other.text  # only who has the secret learns what became of it
    assert apis[1].stop() == 0


def revoke(guarded: Guarded, key: str) -> None:
    with psycopg.connect(guarded.url) as connection:
        connection.execute("UPDATE api_keys SET revoked_at = now() WHERE key_id = %s", [key[3:15]])


def test_an_expired_key_is_refused(guarded: Guarded, api: RunningApi) -> None:
    key = guarded.key(Scope.READ, lifetime=timedelta(seconds=5))

    def ask() -> httpx.Response:
        return api.http.get(JOB, headers=bearer(key))

    assert ask().status_code == 404
    answer = wait_for(lambda: answer if (answer := ask()).status_code == 401 else None, seconds=15)
    assert "has expired" in answer.json()["detail"]


def test_the_last_use_is_kept_though_not_at_each_request(guarded: Guarded) -> None:
    key = guarded.key(Scope.READ)
    api = guarded.api()
    for _ in range(20):
        assert api.http.get(JOB, headers=bearer(key)).status_code == 404
    assert api.stop() == 0  # what was not written yet is written now
    with psycopg.connect(guarded.url) as connection:
        (row,) = connection.execute(
            "SELECT last_used_at BETWEEN created_at AND now(), xmax FROM api_keys WHERE key_id = %s",
            [key[3:15]],
        ).fetchall()
        (versions,) = connection.execute(
            "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'api_keys'"
        ).fetchall()
    assert row[0] is True
    assert versions[0] < 20


def test_secrets_are_in_no_log_and_nowhere_in_the_database(
    guarded: Guarded, api: RunningApi, keys: dict[Scope, str]
) -> None:
    for key in keys.values():
        for method, path in PRIVATE:
            with api.http.stream(method, path, headers=bearer(key)):
                pass
    dumped = subprocess.run(
        [str(guarded.server.program("pg_dump")), "--dbname", guarded.url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    log = api.log()
    assert log_lines(log, level="debug")
    for key in keys.values():
        key_id, secret = key[3:15], key[16:]
        assert key_id in dumped
        assert secret not in dumped + log
        assert secret.encode().hex() not in dumped + log


def test_on_loopback_the_first_key_closes_the_service(tmp_path_factory: pytest.TempPathFactory) -> None:
    with guarded_by(tmp_path_factory.mktemp("open")) as guarded:
        api = guarded.api()
        assert api.http.get(JOB).status_code == 404
        assert not [name for name in api.http.get(JOB).headers if name.startswith("ratelimit")]
        key = guarded.key(Scope.READ)
        assert api.http.get(JOB, headers=bearer(key)).status_code == 404
        wait_for(lambda: api.http.get(JOB).status_code == 401, seconds=5)
        revoke(guarded, key)
        wait_for(lambda: api.http.get(JOB, headers=bearer(key)).status_code == 401, seconds=5)
        assert api.http.get(JOB).status_code == 401  # the last one revoked does not open it
        with psycopg.connect(guarded.url) as connection:
            connection.execute("DELETE FROM api_keys")
        wait_for(lambda: api.http.get(JOB).status_code == 404, seconds=5)


def test_while_the_database_is_away_nobody_is_let_in_who_was_not_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with guarded_by(tmp_path_factory.mktemp("away")) as guarded:
        guarded.key(Scope.ADMIN)
        key = guarded.key(Scope.READ)
        guarded.stop()
        api = guarded.begin({"RETAILPULSE_DATABASE_WAIT_SECONDS": "0.2"})
        wait_for(lambda: api.answers(503))
        for headers in ({}, bearer(key)):
            answer = api.http.get(JOB, headers=headers)
            problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
        guarded.start()
        wait_for(lambda: api.http.get(JOB).status_code == 401)
        assert api.http.get(JOB, headers=bearer(key)).status_code == 404
        guarded.stop()
        wait_for(lambda: api.answers(503))
        answer = api.http.get(JOB, headers=bearer(key))
        problem(answer, 503, "unavailable")
        guarded.start()
        wait_for(lambda: api.http.get(JOB, headers=bearer(key)).status_code == 404)


@pytest.mark.parametrize(
    ("method", "path", "is_open", "scope"),
    [
        ("GET", "/metrics", False, Scope.READ),
        ("GET", "/metrics", True, None),
        ("GET", "/metricsx", True, Scope.READ),
        ("DELETE", "/api/v1/jobs/1", False, Scope.ADMIN),
        ("PATCH", "/api/v1/jobs/1", False, Scope.ADMIN),
        ("POST", "/api/v1/review/", False, Scope.REVIEW),
        ("PUT", "//api/v1/jobs/1/images//2/review/", False, Scope.REVIEW),
        ("HEAD", "/api/v1/review", False, Scope.READ),
        ("POST", "/review", False, Scope.REVIEW),
        ("POST", "//review//undo/", False, Scope.REVIEW),
        ("GET", "/review", False, Scope.READ),
        ("POST", "/api/v1/reviews", False, Scope.SUBMIT),
        ("POST", "/system/check", False, Scope.ADMIN),
        ("GET", "/system/check", False, Scope.READ),
        ("GET", "//system//settings/", False, Scope.ADMIN),
        ("POST", f"//system/callbacks/{NO_JOB}/send-again/", False, Scope.SUBMIT),
        ("DELETE", "/system/callbacks", False, Scope.ADMIN),
    ],
)
def test_scopes_are_told_by_method_and_path(method: str, path: str, is_open: bool, scope: Any) -> None:
    assert needed_scope(method, path, open_metrics=is_open) == scope
