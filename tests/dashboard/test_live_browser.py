"""Live updates in a real browser: what changes, what waits, pause, hidden tabs, lost connections, themes."""

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.api.jobs import KIOSK, NOWHERE, visit
from tests.browser import Browser, browsing, needs_chromium
from tests.conftest import serving
from tests.dashboard.tabs import tab
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
LIVE = re.compile(r"Live, \d\d:\d\d:\d\d UTC")
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


NOTE_LOSSES = """() => {
  const line = document.querySelector("[data-live-status]");
  window.losses = 0;
  const note = () => { if (line.matches(".lost")) window.losses += 1; };
  note();
  new MutationObserver(note).observe(line, { attributes: true });
}"""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that sends live updates to one tab at a time."""
    with serving(tmp_path_factory.mktemp("followed"), RETAILPULSE_API_KEY_LIVE_PAGES="1") as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def closed(browser: Browser) -> Iterator[None]:
    yield
    browser.page.goto("about:blank")
    browser.complaints.clear()


def has_stream(service: RunningService) -> bool:
    """Whether some tab has the one stream."""
    with tab(service, "/jobs") as other:
        return other.answer.status_code == 429


def submit(service: RunningService, name: str) -> str:
    sent = {"name": name, "visits": [visit(KIOSK, NOWHERE)]}
    return str(service.http.post("/api/v1/jobs", json=sent).raise_for_status().json()["job_id"])


def test_numbers_change_in_their_places_and_new_rows_wait(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    first = submit(followed, "there from the beginning")
    followed.finished(first)
    page.goto(f"{followed.url}/jobs")
    page.mouse.move(100, 100)
    expect(page.locator("[data-live-text]")).to_have_text(LIVE)
    row = page.locator("tr", has_text="there from the beginning")
    held = row.element_handle()
    followed.finished(submit(followed, "comes later"))
    show = page.get_by_role("button", name="1 new job, show")
    expect(show).to_be_visible()
    expect(page.get_by_role("link", name="comes later")).to_have_count(0)
    followed.finished(submit(followed, "comes last"))
    show = page.get_by_role("button", name="2 new jobs, show")
    show.click()
    expect(page.get_by_role("link", name="comes later")).to_be_visible()
    expect(show).to_be_hidden()
    assert held is not None
    assert held.evaluate("row => row.isConnected")


def test_a_list_moves_where_nobody_is_at_the_page(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    page.goto(f"{followed.url}/jobs")
    page.evaluate("performance.now = () => 3_600_000")
    submit(followed, "seen from afar")
    expect(page.get_by_role("link", name="seen from afar")).to_be_visible()


def test_a_paused_tab_is_told_nothing_until_it_goes_on(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    followed.finished(submit(followed, "before it was paused"))
    page.goto(f"{followed.url}/jobs")
    text = page.locator("[data-live-text]")
    expect(text).to_have_text(LIVE)
    page.get_by_role("button", name="Pause").click()
    expect(text).to_have_text("Paused")
    wait_for(lambda: not has_stream(followed))
    submit(followed, "while it was paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="1 new job, show")).to_be_visible()


MOVED = """body => {
  const row = name => `<tr data-row="${name}"><td>${name}</td></tr>`;
  body.innerHTML = row("gone") + [...body.rows].reverse().map(one => one.outerHTML).join("");
}"""


@pytest.mark.parametrize("path", ["/system/workers", "/system/callbacks?state=pending"])
def test_rows_about_the_system_wait_as_jobs_do(followed: RunningService, browser: Browser, path: str) -> None:
    def submit_with_callback() -> None:
        sent = {"visits": [visit(KIOSK, NOWHERE)], "callback_url": "http://127.0.0.1:9/ended"}
        followed.http.post("/api/v1/jobs", json=sent).raise_for_status()

    submit_with_callback()
    page = browser.page
    rows = page.locator("tbody[data-rows] tr")
    page.goto(f"{followed.url}{path}")
    page.mouse.move(100, 100)
    expect(rows).not_to_have_count(0)
    expect(page.locator("[data-live-text]")).to_have_text(LIVE)
    rows.locator("..").evaluate(MOVED)
    submit_with_callback()
    expect(page.locator("tr.gone")).to_have_count(1)
    page.get_by_role("button", name=", show").click()
    expect(page.locator("tr.gone")).to_have_count(0)


def test_a_hidden_tab_holds_no_stream(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    page.goto(f"{followed.url}/jobs")
    wait_for(lambda: has_stream(followed))
    page.evaluate(HIDE, True)
    wait_for(lambda: not has_stream(followed))
    page.evaluate(HIDE, False)
    wait_for(lambda: has_stream(followed))


def test_a_tab_without_a_stream_asks_by_itself(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    with tab(followed, "/") as holding:
        holding.event()
        page.goto(f"{followed.url}/jobs")
        expect(page.locator("[data-live-text]")).to_contain_text("every half a minute")


def test_a_lost_connection_is_said_and_found_again(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    page.goto(f"{followed.url}/jobs")
    text = page.locator("[data-live-text]")
    expect(text).to_have_text(LIVE)
    (api,) = followed.pids()["api"]
    page.context.set_offline(True)  # longer than `serve` takes to start another
    os.kill(api, signal.SIGKILL)
    expect(text).to_have_text(re.compile(r"No connection since \d\d:\d\d UTC, trying again"))
    expect(page.locator(".live [role=status]")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(text).to_have_text(LIVE)
    expect(page.locator(".live [role=status]")).to_have_text("")


def test_one_try_that_fails_is_not_said(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        if failed or "event-stream" not in route.request.headers["accept"]:
            route.continue_()
        else:
            failed.append(route.request.url)
            route.abort("connectionreset")

    page.route("**/system/hosts", fail_once)
    try:
        page.goto(f"{followed.url}/system/hosts", wait_until="commit")
        page.wait_for_selector("[data-live-status]", state="attached")
        page.evaluate(NOTE_LOSSES)
        expect(page.locator("[data-live-text]")).to_have_text(LIVE)
    finally:
        page.unroute("**/system/hosts")
    assert len(failed) == 1
    assert page.evaluate("window.losses") == 0


def test_what_is_open_and_focused_stays_so(followed: RunningService, browser: Browser) -> None:
    page = browser.page
    page.goto(followed.url)
    page.locator("summary", has_text="The last hour as a table").click()
    figures = page.locator("#figures")
    before = page.locator("#recent").inner_text()
    page.evaluate("performance.now = () => 3_600_000")
    submit(followed, "changes the overview")
    expect(page.locator("#recent")).not_to_have_text(before)
    assert page.locator("details", has_text="The last hour as a table").evaluate("one => one.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    expect(figures).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "scheme", "colour"), [("Dark", "light", "17, 19, 16"), ("Light", "dark", "246, 246, 243")]
)
def test_a_theme_is_chosen_by_hand(
    followed: RunningService, browser: Browser, theme: str, scheme: str, colour: str
) -> None:
    page = browser.page
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto(f"{followed.url}/jobs?state=failed")
    page.get_by_role("button", name=theme).click()
    assert page.url == f"{followed.url}/jobs?state=failed"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == f"rgb({colour})"
    page.goto(f"{followed.url}/stores")
    assert page.evaluate(ground) == f"rgb({colour})"
    page.get_by_role("button", name="of the device").click()
    assert page.evaluate(ground) != f"rgb({colour})"
