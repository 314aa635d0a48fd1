"""Signing in as a person does it: by the form, until the session ends; and what another site can do."""

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import expect

from retailpulse.domain.api_keys import Scope
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import RunningApi, body, visit
from tests.browser import Browser, browsing, needs_chromium
from tests.conftest import STORES
from tests.origin import Origin, Reply

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def admin(guarded: Guarded) -> str:
    return guarded.key(Scope.ADMIN)


@pytest.fixture(scope="module")
def reader(guarded: Guarded) -> str:
    return guarded.key(Scope.READ)


@pytest.fixture(scope="module")
def submitter(guarded: Guarded) -> str:
    return guarded.key(Scope.READ, Scope.SUBMIT)


@pytest.fixture(scope="module")
def api(guarded: Guarded, admin: str) -> RunningApi:
    api = guarded.api()
    api.http.put("/api/v1/stores", content=STORES.encode(), headers=bearer(admin)).raise_for_status()
    return api


@pytest.fixture
def job_id(api: RunningApi, admin: str) -> str:
    """A job that waits, as there is no worker."""
    made = api.http.post("/api/v1/jobs", json=body(visit()), headers=bearer(admin))
    return str(made.json()["job_id"])


@pytest.fixture
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def sign_in(browser: Browser, api: RunningApi, key: str, path: str) -> None:
    browser.page.goto(api.url + path)
    browser.page.get_by_label("API key").fill(key)
    browser.page.get_by_role("button", name="Sign in").click()
    expect(browser.page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_person_signs_in_looks_and_signs_out(
    api: RunningApi, browser: Browser, reader: str, job_id: str
) -> None:
    page = browser.page
    page.goto(f"{api.url}/jobs/{job_id}")
    page.get_by_label("API key").fill("rp_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("API key").fill(reader)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{api.url}/jobs/{job_id}")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)  # the key may only look
    expect(page.get_by_role("link", name="Submit")).to_have_count(0)
    expect(page.locator("[data-live-text]")).to_contain_text("Live,")  # the stream knows the session
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{api.url}/sign-in")
    page.goto(f"{api.url}/jobs/{job_id}")
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_session_that_expires_asks_for_the_key_and_goes_back(
    guarded: Guarded, api: RunningApi, browser: Browser, submitter: str, job_id: str
) -> None:
    page = browser.page
    sign_in(browser, api, submitter, f"/jobs/{job_id}")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    with psycopg.connect(guarded.url, autocommit=True) as connection:
        connection.execute("UPDATE sessions SET expires_at = now()")
    expect(page.get_by_label("API key")).to_be_visible()  # the page that is live learns it by itself
    sign_in(browser, api, submitter, f"/jobs/{job_id}")
    expect(page).to_have_url(f"{api.url}/jobs/{job_id}")


def test_a_page_of_another_site_changes_nothing_with_the_session(
    api: RunningApi, browser: Browser, origin: Origin, admin: str, job_id: str
) -> None:
    """Both are at 127.0.0.1, so that the browser takes them for one site and sends the cookie along."""
    sign_in(browser, api, admin, "/")
    form = f'<form method="post" action="{api.url}/jobs/{job_id}/cancel"><button>A prize</button></form>'
    browser.page.goto(
        origin.serve("/prize", Reply(body=form.encode(), headers={"Content-Type": "text/html"}))
    )
    with browser.page.expect_navigation() as sent:
        browser.page.get_by_role("button", name="A prize").click()
    assert sent.value is not None
    assert "cookie" in sent.value.request.all_headers()
    assert sent.value.status == 403
    assert api.http.get(f"/api/v1/jobs/{job_id}", headers=bearer(admin)).json()["status"] == "ongoing"
