"""Every page in a browser that runs no script: each is there, and all that it changes is changed by forms."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from playwright.sync_api import Page, expect

from retailpulse.domain.api_keys import Scope
from retailpulse.samples import sample_stores
from tests.api.guarded import guarded_by
from tests.api.jobs import KIOSK, NOWHERE, RunningApi, held, photo, visit
from tests.browser import Browser, browsing, needs_chromium
from tests.dashboard.conftest import Reused
from tests.dashboard.files import WINDOWS
from tests.dashboard.files import hand_in as hand_in_file
from tests.dashboard.pages import ROUTES, addresses
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
NEEDS_SCRIPTS = "[data-script], [data-live-status], [data-progress], [data-problem]"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningApi, str]]:
    """A service that wants keys, and a key that may read."""
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        key = guarded.key(Scope.READ)
        yield guarded.api(), key


@pytest.fixture(scope="module")
def browser(guarded: tuple[RunningApi, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with scripts off, that has nothing to complain of; keys are made before its loop runs."""
    assert guarded
    with browsing(tmp_path_factory.mktemp("browser"), has_scripts=False) as browser:
        yield browser
        assert browser.complaints == []


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.page


@pytest.fixture(scope="module")
def shown(service: RunningService, reused: Reused, failed_job: str) -> Mapping[str, tuple[str, ...]]:
    visits = hand_in_file(service, WINDOWS, "week 48.csv").headers["location"]
    stores = hand_in_file(service, sample_stores().encode(), "stores.csv", "/import").headers["location"]
    return addresses(reused, failed_job, visits, stores)


@pytest.mark.parametrize("route", ROUTES)
def test_a_page_is_there_whole(
    service: RunningService, page: Page, shown: Mapping[str, tuple[str, ...]], route: str
) -> None:
    for address in shown[route]:
        answer = page.goto(service.url + address)
        assert answer is not None
        assert answer.status == 200
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("main")).not_to_be_empty()
        for part in page.locator(NEEDS_SCRIPTS).all():
            expect(part).to_be_hidden()
        page.locator(".rail").get_by_role("link", name="Jobs").click()
        expect(page).to_have_url(f"{service.url}/jobs")


def test_a_job_is_sent_retried_and_deleted(service: RunningService, browser: Browser, origin: Origin) -> None:
    page = browser.page
    url = origin.serve("/no-scripts.png", Reply(body=photo(30, 20)))
    page.goto(f"{service.url}/submit")
    page.get_by_label("Paste a table or JSON").fill(
        f"Shop\tPhoto\tDate\n{KIOSK}\t{url}\t2026-11-20\n{KIOSK}\t{NOWHERE}\t2026-11-20\n"
    )
    page.get_by_role("button", name="Look at the text").click()
    page.get_by_label("Name", exact=True).fill("without scripts")
    page.get_by_role("button", name="Look again").last.click()
    page.get_by_role("button", name="Send 2 photos").click()
    expect(page.locator(".toast")).to_have_text("The job is sent.")
    job_id = page.url.partition("?")[0].rpartition("/")[2]
    service.finished(job_id)
    page.goto(f"{service.url}/jobs/{job_id}")
    page.locator("summary", has_text="Download").click()
    expect(page.get_by_role("link", name="CSV")).to_be_visible()
    page.get_by_role("button", name="Retry 1 failed").click()
    expect(page.locator(".toast")).to_contain_text("tried again")
    wait_for(lambda: service.job(job_id)["retries"] == 1)
    service.finished(job_id)
    page.goto(f"{service.url}/jobs/{job_id}/about")
    page.get_by_role("link", name="Delete the job").click()
    page.get_by_label("Type the name of the job").fill("another")
    page.get_by_role("button", name="Delete the job").click()
    expect(page.locator("#wrong")).to_contain_text("nothing was deleted")
    assert ["400" in text for text in browser.complaints] == [True]
    browser.complaints.clear()
    page.get_by_label("Type the name of the job").fill("without scripts")
    page.get_by_role("button", name="Delete the job").click()
    expect(page.locator(".toast")).to_have_text("The job is deleted.")
    assert service.http.get(f"/api/v1/jobs/{job_id}").status_code == 404


def test_a_job_is_cancelled_at_once(service: RunningService, page: Page, origin: Origin) -> None:
    with held(origin, "/no-scripts-held.png", photo(30, 20)) as url:
        sent = {"visits": [visit(KIOSK, url)]}
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        page.goto(f"{service.url}/jobs/{job_id}")
        page.get_by_role("button", name="Cancel the job").click()
        expect(page.locator(".toast")).to_have_text("The job is cancelled.")


def test_photos_are_decided_on_and_undone(
    service: RunningService, page: Page, hand_in: Callable[[], Reused]
) -> None:
    reused = hand_in()
    page.goto(service.url + reused.queue)
    page.get_by_label("Reason").fill("seen before")
    page.get_by_role("button", name="Reject the photo").click()
    expect(page.locator(".toast")).to_contain_text("rejected")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("undone")
    page.get_by_role("link", name="Skip S").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review 2 of 2 left")
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Not a duplicate").click()
    expect(page.locator(".toast")).to_contain_text("wrong")
    page.goto(f"{service.url}/review/set?job={reused.job_id}&flag=copy")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".toast")).to_contain_text("decided on")


def test_stores_are_loaded_and_searched(service: RunningService, page: Page) -> None:
    page.goto(f"{service.url}/import")
    page.get_by_label("Paste a table or JSON").fill(
        "AreaCode,StoreName,StoreID\n77,Without Scripts,NS-1\n77,Kept,NS-2\n"
    )
    page.get_by_role("button", name="Look at the text").click()
    page.get_by_role("button", name="Load 2 stores").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 added")
    page.get_by_role("link", name="To the stores").click()
    page.get_by_label("Id or name").fill("without s")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("link", name="Without Scripts")).to_be_visible()


def test_colours_are_chosen(service: RunningService, page: Page) -> None:
    page.goto(f"{service.url}/stores?q=none")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page).to_have_url(f"{service.url}/stores?q=none")
    page.get_by_role("button", name="of the device").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_a_person_signs_in_and_out(page: Page, guarded: tuple[RunningApi, str]) -> None:
    api, key = guarded
    page.goto(f"{api.url}/stores?q=x")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{api.url}/stores?q=x")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.goto(f"{api.url}/jobs")
    expect(page.get_by_label("API key")).to_be_visible()
