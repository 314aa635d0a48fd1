"""Signing in with an API key: what a session allows, how it ends, and that no other site can use it."""

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from retailpulse.domain.api_keys import Scope
from retailpulse.domain.flags import Flag
from tests.api.guarded import Guarded, guarded_by
from tests.api.jobs import FORM, NO_JOB, RunningApi
from tests.api.test_reviews import flagged
from tests.running import wait_for

HTML = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        guarded.key(Scope.ADMIN)
        yield guarded


@pytest.fixture(scope="module")
def api(guarded: Guarded) -> RunningApi:
    return guarded.api()


def own(api: RunningApi) -> dict[str, str]:
    """What a browser sends with a form of a page of the service."""
    return {"Origin": api.url, **HTML}


def sign_in(api: RunningApi, key: str, to: str = "/jobs") -> httpx.Response:
    api.http.cookies.clear()  # as another browser
    return api.http.post("/sign-in", data={"key": key, "to": to}, headers=own(api))


def cookie(answer: httpx.Response) -> dict[str, str]:
    """The cookie that an answer gives, as a browser sends it."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_browser_without_a_session_is_sent_to_sign_in(api: RunningApi) -> None:
    answer = api.http.get("/jobs?state=failed", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fjobs%3Fstate%3Dfailed")
    asked = api.http.get(answer.headers["location"], headers=HTML)
    assert asked.status_code == 200
    assert 'value="/jobs?state=failed"' in asked.text
    for path in ("/api/v1/jobs", "/metrics"):
        assert api.http.get(path, headers=HTML).status_code == 401
    assert api.http.get("/jobs").status_code == 401  # no browser


def test_a_key_begins_a_session_that_its_scopes_limit(guarded: Guarded, api: RunningApi) -> None:
    answer = sign_in(api, guarded.key(Scope.READ))
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs")
    said = answer.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Strict" in said
    assert "Secure" not in said  # this is no TLS
    session = cookie(answer)
    shown = api.http.get("/jobs", headers={**HTML, **session})
    assert shown.status_code == 200
    assert "Sign out" in shown.text
    assert api.http.get("/api/v1/jobs", headers=session).status_code == 200
    refused = api.http.post(f"/jobs/{NO_JOB}/retry", data={}, headers={**own(api), **session})
    assert refused.status_code == 403


def test_what_a_session_changes_must_come_from_a_page_of_the_service(
    guarded: Guarded, api: RunningApi
) -> None:
    session = cookie(sign_in(api, guarded.key(Scope.ADMIN)))
    path = f"/jobs/{NO_JOB}/delete"
    assert api.http.post(path, data={}, headers={**own(api), **session}).status_code == 404
    same_origin = {"Sec-Fetch-Site": "same-origin", **session}
    assert api.http.post(path, data={}, headers=same_origin).status_code == 404
    for origin in (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": api.url.replace("http", "x")},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ):
        assert api.http.post(path, data={}, headers={**origin, **session}).status_code == 403
        assert api.http.delete(f"/api/v1/jobs/{NO_JOB}", headers={**origin, **session}).status_code == 403
        for other in ({}, {"Authorization": "Basic YTpi"}):
            sent = api.http.post("/sign-in", data={"key": "x"}, headers={**origin, **other})
            assert sent.status_code == 403


def test_a_session_ends_by_signing_out_by_its_time_and_with_its_key(
    guarded: Guarded, api: RunningApi
) -> None:
    def is_in(session: dict[str, str]) -> bool:
        return api.http.get("/jobs", headers={**HTML, **session}).status_code == 200

    session = cookie(sign_in(api, guarded.key(Scope.READ)))
    assert is_in(session)
    out = api.http.post("/sign-out", headers={**own(api), **session})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in out.headers["set-cookie"]
    wait_for(lambda: not is_in(session))
    expiring = cookie(sign_in(api, guarded.key(Scope.READ)))
    of_revoked = cookie(sign_in(api, guarded.key(Scope.READ)))
    assert is_in(expiring)
    assert is_in(of_revoked)
    with psycopg.connect(guarded.url, autocommit=True) as connection:
        connection.execute("UPDATE sessions SET expires_at = now()")
        connection.execute("UPDATE api_keys SET revoked_at = now() WHERE 'read' = ANY(scopes)")
    wait_for(lambda: not is_in(expiring) and not is_in(of_revoked))


def test_a_key_that_may_not_look_is_told_so(guarded: Guarded, api: RunningApi) -> None:
    answer = sign_in(api, guarded.key(Scope.SUBMIT))
    assert answer.status_code == 403
    assert "lacks the scope read" in answer.text


@pytest.mark.parametrize("key", ["", "rp_0_1", "rp_000000000000_" + "0" * 64, "\u20ac"])
def test_what_is_no_key_is_refused_and_said(api: RunningApi, key: str) -> None:
    answer = sign_in(api, key)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "\n/", "jobs", "/\t/evil.example"]
)
def test_nobody_is_led_away_by_signing_in(guarded: Guarded, api: RunningApi, to: str) -> None:
    assert sign_in(api, guarded.key(Scope.READ), to).headers["location"] == "/"


def test_a_path_of_any_script_is_gone_on_to(guarded: Guarded, api: RunningApi) -> None:
    answer = sign_in(api, guarded.key(Scope.READ), "/stores?q=é東")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/stores?q=%C3%A9%E6%9D%B1"


def test_signing_in_again_ends_the_session_before(guarded: Guarded, api: RunningApi) -> None:
    key = guarded.key(Scope.READ)
    first = cookie(sign_in(api, key))
    sent = {"key": key, "to": "/jobs"}
    second = cookie(api.http.post("/sign-in", data=sent, headers={**own(api), **first}))
    assert first != second
    wait_for(lambda: api.http.get("/jobs", headers={**HTML, **first}).status_code == 303)
    assert api.http.get("/jobs", headers={**HTML, **second}).status_code == 200


def test_a_form_of_many_bytes_is_refused(api: RunningApi) -> None:
    for path in ("/sign-in", "/choices/theme"):
        answer = api.http.post(path, content=b"a=1&" * 20_000, headers={**own(api), **FORM})
        assert answer.status_code == 413


def test_a_made_up_session_is_none(api: RunningApi) -> None:
    for held in ("x", "x" * 5_000, "%00", '"'):
        headers = {**HTML, "Cookie": f"retailpulse_session={held}"}
        assert api.http.get("/jobs", headers=headers).status_code == 303


def test_only_who_may_review_decides(guarded: Guarded, api: RunningApi) -> None:
    sent = {"photo": f"{NO_JOB}.1", "decision": "accepted"}
    for scopes, status in (
        ((Scope.READ,), 403),
        ((Scope.READ, Scope.SUBMIT), 403),
        ((Scope.READ, Scope.REVIEW), 404),
        ((Scope.ADMIN,), 404),
    ):
        session = cookie(sign_in(api, guarded.key(*scopes)))
        assert api.http.get("/review", headers={**HTML, **session}).status_code == 200
        for path in ("/review", "/review/undo"):
            answer = api.http.post(path, data=sent, headers={**own(api), **session})
            assert answer.status_code == status, (path, scopes)
    job_id = flagged(guarded.url, [Flag.BLANK])
    for scope, is_shown in ((Scope.READ, False), (Scope.ADMIN, True)):
        session = cookie(sign_in(api, guarded.key(scope)))
        text = api.http.get("/review", headers={**HTML, **session}).text
        assert f"/jobs/{job_id}/images/1/thumbnail" in text.replace("/api/v1", "")
        assert ("Accept the photo" in text) is is_shown
    path = f"{job_id}.1"
    answer = api.http.post("/review", data={**sent, "photo": path}, headers={**own(api), **session})
    assert answer.status_code == 303
    state = api.http.get(f"/api/v1/jobs/{job_id}/images/1/review", headers=session).json()
    assert (state["review"], state["reviewed_by"]) == ("accepted", "a test")


def test_keys_are_made_and_revoked_by_an_admin_alone(guarded: Guarded, api: RunningApi) -> None:
    admin = cookie(sign_in(api, guarded.key(Scope.ADMIN)))
    submitter = cookie(sign_in(api, guarded.key(Scope.SUBMIT, Scope.READ)))
    asked = {"name": "from a page", "scope-read": "1", "days": "30"}
    assert "/system/keys" not in api.http.get("/system", headers={**HTML, **submitter}).text
    assert api.http.get("/system/keys", headers={**HTML, **submitter}).status_code == 403
    for path in ("/system/keys", "//system/keys", "/system//keys/", "/system/keys/rp/revoke"):
        assert (
            api.http.post(f"{api.url}{path}", data=asked, headers={**own(api), **submitter}).status_code
            == 403
        )
        assert api.http.get(f"{api.url}{path}", headers={**HTML, **submitter}).status_code == 403
    made = api.http.post("/system/keys", data=asked, headers={**own(api), **admin})
    (key,) = re.findall(r"rp_[0-9a-f]{12}_[0-9a-f]{64}", made.text)
    assert key not in api.http.get("/system/keys", headers={**HTML, **admin}).text
    session = cookie(sign_in(api, key))
    assert api.http.get("/jobs", headers={**HTML, **session}).status_code == 200
    assert (
        api.http.post(f"/jobs/{NO_JOB}/delete", data={}, headers={**own(api), **submitter}).status_code == 403
    )
    path = f"/system/keys/{key[3:15]}/revoke"
    assert api.http.post(path, data={}, headers={**own(api), **admin}).status_code == 303
    wait_for(lambda: api.http.get("/jobs", headers={**HTML, **session}).status_code == 303)
    for wrong in ({"name": "x"}, {"name": " ", "scope-read": "1"}, {**asked, "days": "9"}):
        assert api.http.post("/system/keys", data=wrong, headers={**own(api), **admin}).status_code == 400
