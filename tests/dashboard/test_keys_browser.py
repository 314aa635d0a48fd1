"""Keys in a real browser: through lists and grids, search, places, what is chosen, the legend."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.api.jobs import KIOSK, NOWHERE, visit
from tests.browser import Browser, needs_chromium
from tests.dashboard.conftest import Reused
from tests.running import RunningService

pytestmark = needs_chromium
NAMES = ("keyed first", "keyed second", "keyed third")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    browser.page.set_viewport_size({"width": 1280, "height": 900})
    yield browser.page
    browser.page.context.clear_cookies()
    browser.page.goto("about:blank")


@pytest.fixture(scope="module")
def jobs(service: RunningService) -> list[str]:
    """Ids of three jobs with one label, the newest first, as the list of this label shows them."""
    made = []
    for name in NAMES:
        sent = {"name": name, "labels": {"keyed": "yes"}, "visits": [visit(KIOSK, NOWHERE)]}
        made.append(str(service.http.post("/api/v1/jobs", json=sent).json()["job_id"]))
    for job_id in made:
        service.finished(job_id)
    return made[::-1]


@pytest.fixture(scope="module")
def job_list(service: RunningService, jobs: list[str]) -> str:
    """The address of the list that has these jobs alone."""
    assert jobs
    return f"{service.url}/jobs?label=keyed:yes"


def test_rows_are_gone_through_and_opened(
    service: RunningService, page: Page, jobs: list[str], job_list: str
) -> None:
    page.goto(job_list)
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).to_have_count(0)
    for key, name in (
        ("j", "keyed third"),
        ("j", "keyed second"),
        ("ArrowDown", "keyed first"),
        ("j", "keyed first"),
        ("k", "keyed second"),
        ("ArrowUp", "keyed third"),
        ("k", "keyed third"),
    ):
        page.keyboard.press(key)
        expect(page.locator(":focus")).to_have_text(name)
    page.keyboard.press("J")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{service.url}/jobs/{jobs[1]}")


def test_a_grid_is_gone_through_by_its_lines(service: RunningService, page: Page, reused: Reused) -> None:
    page.set_viewport_size({"width": 640, "height": 900})
    page.goto(f"{service.url}/jobs/{reused.job_id}")
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(4)
    for key, number in (
        ("j", 1),
        ("ArrowDown", 3),
        ("ArrowLeft", 2),
        ("ArrowDown", 4),
        ("ArrowUp", 2),
        ("k", 1),
    ):
        page.keyboard.press(key)
        expect(tiles.nth(number - 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(service.url + reused.photo(1))
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(service.url + reused.photo(2))
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{service.url}/jobs/{reused.job_id}")


def test_a_search_is_begun_and_left(service: RunningService, page: Page, job_list: str) -> None:
    page.goto(job_list)
    page.keyboard.press("/")
    field = page.get_by_label("Name")
    expect(field).to_be_focused()
    page.keyboard.type("jgo?")
    expect(field).to_have_value("jgo?")
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text("keyed third")
    page.goto(f"{service.url}/review")
    page.keyboard.press("/")
    expect(page.get_by_label("Area")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Area")).to_be_hidden()


def test_two_keys_lead_to_a_page(service: RunningService, page: Page) -> None:
    page.goto(service.url)
    for second, path in (("j", "/jobs"), ("r", "/review"), ("s", "/stores"), ("o", "/")):
        page.keyboard.press("g")
        page.keyboard.press(second)
        expect(page).to_have_url(service.url + path)
    page.keyboard.press("g")
    page.keyboard.press("x")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{service.url}/")


def test_jobs_are_chosen_and_a_page_asks(page: Page, job_list: str) -> None:
    page.goto(job_list)
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("choose=1"))
    boxes = page.get_by_role("checkbox")
    expect(boxes.nth(1)).to_be_checked()
    expect(boxes.nth(1)).to_be_focused()
    for key in ("j", "x", "k", "k", "x", "x"):
        page.keyboard.press(key)
    assert [box.is_checked() for box in boxes.all()] == [False, True, True]
    page.get_by_role("button", name="Delete those that are chosen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 jobs")


def test_the_legend_is_shown_and_keys_are_switched_off(page: Page, job_list: str) -> None:
    page.goto(job_list)
    legend = page.locator(".foot .keys li").first
    expect(legend).to_be_hidden()
    page.keyboard.press("?")
    expect(legend).to_be_visible()
    page.keyboard.press("Escape")
    expect(legend).to_be_hidden()
    page.keyboard.press("?")
    page.get_by_role("button", name="Switch the keys off").click()
    expect(page.locator("html")).to_have_attribute("data-keys", "off")
    page.keyboard.press("j")
    page.keyboard.press("/")
    expect(page.locator("main :focus")).to_have_count(0)
    page.locator(".foot summary").click()
    page.get_by_role("button", name="Switch the keys on").click()
    expect(page.locator("html")).not_to_have_attribute("data-keys", "off")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text("keyed third")
