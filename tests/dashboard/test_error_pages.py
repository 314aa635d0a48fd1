"""Errors that browsers meet: each is a page with the frame around it, which says what to do."""

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import Guarded, guarded_by
from tests.api.jobs import NO_JOB, RunningApi, problem
from tests.dashboard.test_pages import check
from tests.dashboard.test_sign_in import HTML, cookie, own, sign_in
from tests.running import wait_for

QUICK = {"RETAILPULSE_DATABASE_WAIT_SECONDS": "0.2", "RETAILPULSE_DATABASE_READ_SECONDS": "0.3"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("errors")) as guarded:
        guarded.key(Scope.ADMIN)
        yield guarded


@pytest.fixture(scope="module")
def api(guarded: Guarded) -> RunningApi:
    return guarded.api(QUICK)


@pytest.fixture(scope="module")
def reader(guarded: Guarded, api: RunningApi) -> dict[str, str]:
    """What a browser sends that has signed in with a key that may look alone."""
    return {**HTML, **cookie(sign_in(api, guarded.key(Scope.READ)))}


@pytest.fixture(scope="module")
def admin(guarded: Guarded, api: RunningApi) -> dict[str, str]:
    return {**HTML, **cookie(sign_in(api, guarded.key(Scope.ADMIN)))}


def heading(answer: httpx.Response) -> str:
    """The heading of a page that has the frame and the headers of all pages."""
    check(answer)
    assert 'aria-label="Pages"' in answer.text
    (found,) = re.findall(r"<h1>(.*?)</h1>", answer.text)
    return str(found)


@pytest.mark.parametrize("path", ["/system/settings", "/system/keys"])
def test_a_key_that_may_not_look_at_a_page_is_told_what_it_lacks(
    api: RunningApi, reader: dict[str, str], path: str
) -> None:
    answer = api.http.get(path, headers=reader)
    assert (answer.status_code, heading(answer)) == (403, "Your key may not do this")
    assert "The key a test has read; this needs admin." in answer.text
    assert f'href="/sign-in?to={path}"' in answer.text
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    as_client = {name: value for name, value in reader.items() if name != "Accept"}
    problem(api.http.get(path, headers=as_client), 403, "forbidden")


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/system/check", "admin"),
        (f"/system/callbacks/{NO_JOB}/send-again", "submit"),
        (f"/jobs/{NO_JOB}/retry", "submit"),
    ],
)
def test_a_form_that_a_key_may_not_send_is_refused_in_words(
    api: RunningApi, reader: dict[str, str], path: str, needed: str
) -> None:
    answer = api.http.post(path, data={}, headers={**own(api), **reader})
    assert (answer.status_code, heading(answer)) == (403, "Your key may not do this")
    assert f"this needs {needed}" in answer.text


def test_buttons_that_a_key_may_not_press_are_not_there(
    api: RunningApi, reader: dict[str, str], admin: dict[str, str]
) -> None:
    for path, button in (("/system/check", "Check the database"), ("/system", "/system/settings")):
        assert button in api.http.get(path, headers=admin).text
        assert button not in api.http.get(path, headers=reader).text


def test_who_has_not_signed_in_sees_no_button_that_needs_a_key(api: RunningApi) -> None:
    api.http.cookies.clear()
    refused = sign_in(api, "rp_wrong")
    assert refused.status_code == 401
    for answer in (refused, api.http.get("/sign-in", headers=HTML)):
        assert 'href="/submit"' not in answer.text


def test_an_address_that_is_not_there_is_a_page_for_browsers_alone(
    api: RunningApi, reader: dict[str, str]
) -> None:
    for path in ("/nonsense", "/jobs/1/2/3", "/system/nonsense"):
        answer = api.http.get(path, headers=reader)
        assert (answer.status_code, heading(answer)) == (404, "Not found")
    problem(api.http.get("/api/v1/nonsense", headers=reader), 404, "not-found")
    as_client = {name: value for name, value in reader.items() if name != "Accept"}
    problem(api.http.get("/nonsense", headers=as_client), 404, "not-found")


def test_a_form_without_a_session_leads_back_to_its_page_after_signing_in(
    guarded: Guarded, api: RunningApi
) -> None:
    api.http.cookies.clear()
    came_from = {"Referer": f"{api.url}/system/callbacks?state=pending"}
    answer = api.http.post(f"/jobs/{NO_JOB}/retry", data={}, headers={**own(api), **came_from})
    location = "/sign-in?to=%2Fsystem%2Fcallbacks%3Fstate%3Dpending&lost=1"
    assert (answer.status_code, answer.headers["location"]) == (303, location)
    for referer in ("https://evil.example/jobs", "//", "http://[", ""):
        answer = api.http.post("/system/check", headers={**own(api), "Referer": referer})
        assert answer.headers["location"] == "/sign-in?to=%2F&lost=1"
    shown = api.http.get(location, headers=HTML)
    assert "nothing was changed" in shown.text
    assert 'name="to" value="/system/callbacks?state=pending"' in shown.text
    signed = sign_in(api, guarded.key(Scope.READ), "/system/callbacks?state=pending")
    assert signed.headers["location"] == "/system/callbacks?state=pending"


def test_a_page_whose_question_takes_too_long_says_so(
    guarded: Guarded, api: RunningApi, reader: dict[str, str]
) -> None:
    with psycopg.connect(guarded.url) as connection:
        connection.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        answer = api.http.get("/system/callbacks?state=pending", headers=reader)
    assert (answer.status_code, heading(answer)) == (503, "This took too long")
    assert "0.3 s" in answer.text
    assert 'href="/system/callbacks?state=pending">Try again' in answer.text
    assert 'http-equiv="refresh"' not in answer.text
    assert api.http.get("/system/callbacks?state=pending", headers=reader).status_code == 200


def test_while_the_database_is_away_a_page_says_since_when_and_asks_again(
    guarded: Guarded, api: RunningApi, reader: dict[str, str]
) -> None:
    guarded.stop()
    try:
        wait_for(lambda: api.answers(503))
        answer = api.http.get("/jobs?state=failed", headers=reader)
        assert (answer.status_code, heading(answer)) == (503, "The database is away")
        (since,) = re.findall(r'Away since <time datetime="([^"]+)"', answer.text)
        assert '<meta http-equiv="refresh" content="5">' in answer.text
        assert 'href="/jobs?state=failed">Try again' in answer.text
        assert since in api.http.get("/jobs", headers=reader).text  # it does not move
        assert 'href="/submit"' not in answer.text  # nobody can tell whether the key may
        sent = api.http.post(f"/jobs/{NO_JOB}/retry", data={}, headers={**own(api), **reader})
        assert (sent.status_code, heading(sent)) == (503, "The database is away")
        assert "Nothing was changed" in sent.text
        assert "refresh" not in sent.text
    finally:
        guarded.start()
    wait_for(lambda: api.http.get("/jobs", headers=reader).status_code == 200)


def test_a_name_that_the_service_does_not_have_is_a_page_too(api: RunningApi) -> None:
    answer = api.http.get("/", headers={**HTML, "Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" in answer.text
    check(answer)
