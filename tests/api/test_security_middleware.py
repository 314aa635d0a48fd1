"""Security middleware: names in Host, other origins, security headers, how often one may ask."""

from collections.abc import Iterator

import httpx
import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import NO_JOB, RunningApi, body, problem, visit
from tests.running import RunningService, wait_for

JOB = f"/api/v1/jobs/{NO_JOB}"
APP = "https://app.example"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def open_api(guarded: Guarded) -> RunningApi:
    """An open API, started while there is no key, that pages of one origin may use."""
    settings = {
        "RETAILPULSE_API_CORS_ORIGINS": f"{APP},http://localhost:5173",
        "RETAILPULSE_API_ALLOWED_HOSTS": "api.example, *.cdn.example",
        "RETAILPULSE_API_ADDRESS_REQUESTS_PER_MINUTE": "3",
        "RETAILPULSE_API_KEY_REQUESTS_PER_MINUTE": "3",
    }
    return guarded.api(settings)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:1", "[::1]:80", ""])
def test_on_loopback_the_names_of_loopback_are_taken(service: RunningService, host: str) -> None:
    assert service.http.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::2]", "x@localhost"],
)
@pytest.mark.parametrize("path", ["/health/live", JOB, "/docs", "/nothing"])
def test_another_name_is_refused_whatever_is_asked_for(service: RunningService, host: str, path: str) -> None:
    refusal = problem(service.http.get(path, headers={"Host": host}), 400, "invalid-request")
    assert refusal["detail"].startswith("Host: ")
    assert "RETAILPULSE_API_ALLOWED_HOSTS" in refusal["detail"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example", 200),
        ("API.example.:8443", 200),
        ("a.cdn.example", 200),
        ("a.b.cdn.example", 200),
        ("[::1]", 200),
        ("cdn.example", 400),
        ("acdn.example", 400),
        ("localhost", 200),
        ("0.0.0.0", 400),
        ("b.api.example", 400),
    ],
)
def test_names_are_a_setting(open_api: RunningApi, host: str, status: int) -> None:
    assert open_api.http.get("/health/live", headers={"Host": host}).status_code == status


def test_other_origins_get_nothing_unless_a_setting_names_them(service: RunningService) -> None:
    for method in ("GET", "OPTIONS"):
        asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
        answer = service.http.request(method, JOB, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_a_named_origin_may_use_the_api(open_api: RunningApi) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "DELETE"}
    before = open_api.http.options(JOB, headers=asked)
    assert (before.status_code, before.content) == (204, b"")
    assert before.headers["access-control-allow-origin"] == APP
    assert "DELETE" in before.headers["access-control-allow-methods"]
    assert "Authorization" in before.headers["access-control-allow-headers"]
    answer = open_api.http.get(JOB, headers={"Origin": APP})
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == APP
    assert "Origin" in answer.headers["vary"]
    for origin in ("https://evil.example", "http://app.example", f"{APP}.evil.example", "null"):
        other = open_api.http.get(JOB, headers={"Origin": origin})
        assert "access-control-allow-origin" not in other.headers
        assert "Origin" in other.headers["vary"]
        assert open_api.http.options(JOB, headers={**asked, "Origin": origin}).status_code != 200
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/api/submit", "/api/v1/jobs"])
def test_a_page_of_another_origin_changes_nothing_on_an_open_service(
    service: RunningService, open_api: RunningApi, path: str
) -> None:
    job = body(visit("nobody"))
    for origin in ("https://evil.example", "null", f"http://localhost:{service.port}", "http://127.0.0.1"):
        refused = service.http.post(path, json=job, headers={"Origin": origin})
        assert refused.status_code == 403
        assert f"Origin: pages of {origin} may not" in refused.text
    assert service.http.post(path, json=job, headers={"Origin": service.url}).status_code == 201
    assert open_api.http.post(path, json=job, headers={"Origin": APP}).status_code == 201
    assert open_api.http.post(path, json=job, headers={"Origin": f"{APP}:1"}).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_that_hides_its_origin_changes_nothing_on_an_open_service(
    service: RunningService, open_api: RunningApi, method: str, site: str
) -> None:
    path = {"POST": "/api/submit", "PUT": "/api/v1/stores", "DELETE": JOB}[method]
    refused = service.http.request(method, path, headers={"Sec-Fetch-Site": site})
    assert refused.status_code == 403
    assert "Sec-Fetch-Site: pages of other sites may not" in refused.text
    named = {"Sec-Fetch-Site": site, "Origin": APP}
    assert open_api.http.request(method, path, headers=named).status_code != 403
    assert open_api.http.request(method, path, headers=named | {"Origin": f"{APP}:1"}).status_code == 403
    assert service.http.get("/health/live", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_the_service_itself_may_use_it(service: RunningService, site: str) -> None:
    job = body(visit("nobody"))
    assert service.http.post("/api/submit", json=job, headers={"Sec-Fetch-Site": site}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", JOB, 404),
        ("GET", "/nothing", 404),
        ("GET", "/api/status", 400),
        ("DELETE", "/api/submit", 405),
        ("POST", "/api/v1/jobs", 400),
        ("HEAD", "/health/live", 200),
        ("GET", "/problems/not-found", 200),
    ],
)
def test_every_answer_has_the_security_headers(
    service: RunningService, method: str, path: str, status: int
) -> None:
    answer = service.http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["cache-control"] == "no-store"


def test_pages_for_people_keep_a_policy_of_their_own(service: RunningService) -> None:
    answer = service.http.get("/docs")
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"


def test_an_open_service_on_loopback_has_no_limit(open_api: RunningApi) -> None:
    for _ in range(20):
        answer = open_api.http.get(JOB)
        assert answer.status_code == 404
        assert not [name for name in answer.headers if name.startswith("ratelimit")]


def rates(answer: httpx.Response) -> tuple[int, int, int]:
    limit, left, reset = (
        int(answer.headers[f"ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    assert answer.headers["ratelimit-policy"] == f"{limit};w=60"
    assert 0 < reset <= 60
    return limit, left, reset


def test_a_key_may_ask_so_often_and_no_other_suffers(tmp_path_factory: pytest.TempPathFactory) -> None:
    with guarded_by(tmp_path_factory.mktemp("rates")) as guarded:
        key, other = guarded.key(Scope.READ), guarded.key(Scope.READ)
        limits = {
            "RETAILPULSE_API_KEY_REQUESTS_PER_MINUTE": "10",
            "RETAILPULSE_API_ADDRESS_REQUESTS_PER_MINUTE": "4",
            "RETAILPULSE_API_TRUSTED_PROXIES": "127.0.0.1",
        }
        api = guarded.api(limits)

        def ask(key: str | None = None, address: str = "203.0.113.1") -> httpx.Response:
            headers = {"X-Forwarded-For": address} | (bearer(key) if key else {})
            return api.http.get(JOB, headers=headers)

        assert rates(ask(key))[:2] == (10, 9)
        refused = wait_for(lambda: answer if (answer := ask(key)).status_code == 429 else None)
        assert "10 requests a minute" in problem(refused, 429, "too-many-requests")["detail"]
        assert rates(refused)[1] == 0
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
        assert ask(other).status_code == 404

        assert rates(ask())[:2] == (4, 3)
        wait_for(lambda: ask().status_code == 429)
        assert ask(f"{key[:16]}{'0' * 64}").status_code == 429
        assert ask(other).status_code == 404  # a valid key counts for itself, wherever it comes from
        assert ask(address="203.0.113.2").status_code == 401
        assert ask(address="2001:db8:0:1::1").status_code == 401
        neighbours = (f"2001:db8:0:1::{number:x}" for number in range(2, 100))
        wait_for(lambda: ask(address=next(neighbours)).status_code == 429)
        assert ask(address="2001:db8:0:2::1").status_code == 401
        for path in ("/health/live", "/health/ready"):
            assert api.http.get(path, headers={"X-Forwarded-For": "203.0.113.1"}).status_code == 200
        old = api.http.get("/api/status", headers={"X-Forwarded-For": "203.0.113.1"})
        assert (old.status_code, list(old.json())) == (429, ["error"])


def test_who_is_no_trusted_proxy_cannot_choose_its_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    with guarded_by(tmp_path_factory.mktemp("untrusted")) as guarded:
        guarded.key(Scope.READ)
        api = guarded.api({"RETAILPULSE_API_ADDRESS_REQUESTS_PER_MINUTE": "4"})
        addresses = (f"203.0.113.{number}" for number in range(1, 200))
        wait_for(lambda: api.http.get(JOB, headers={"X-Forwarded-For": next(addresses)}).status_code == 429)
