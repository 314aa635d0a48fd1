"""What people do on the dashboard, in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser import Browser, needs_chromium
from tests.dashboard.conftest import Reused
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
_CUT = """lines => lines.filter(line => [...line.children].some(one =>
    one.scrollWidth > one.clientWidth
    || one.getBoundingClientRect().bottom > line.getBoundingClientRect().bottom + 1))
    .map(line => line.textContent)"""


def test_a_store_that_failed_is_found_and_retried(
    service: RunningService, browser: Browser, failed_job: str
) -> None:
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(service.url)
    page.get_by_role("link", name=re.compile("^A name that goes on")).first.click()
    page.get_by_role("navigation", name="Of this job").get_by_role("link", name="Stores").click()
    page.get_by_role("link", name="Station Kiosk").click()
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_role("button", name="Retry 3 failed").click()
    expect(page.locator(".toast")).to_contain_text("tried again")
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{failed_job}").json()["retries"] == 1)


def test_photos_are_decided_on_by_keys(
    service: RunningService, browser: Browser, hand_in: Callable[[], Reused]
) -> None:
    reused = hand_in()
    page = browser.page
    heading = page.get_by_role("heading", level=1)

    def decided() -> list[str | None]:
        rows = service.http.get(f"/api/v1/jobs/{reused.job_id}/results").json()["items"]
        return [row["review"] for row in rows[1:3]]

    page.goto(service.url + reused.queue)
    expect(heading).to_have_text("Review 1 of 2 left")
    page.keyboard.press("s")
    expect(heading).to_have_text("Review 2 of 2 left")
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text("Review 1 of 2 left")
    page.keyboard.press("Control+a")
    page.get_by_label("Reason").fill("ar")
    page.get_by_label("Reason").press("r")
    page.get_by_label("Reason").press("Enter")
    assert decided() == [None, None]
    page.get_by_role("heading", name="Your decision").click()  # out of the field
    page.keyboard.press("R")
    expect(page.get_by_role("status")).to_contain_text("rejected")
    assert decided() == ["rejected", None]
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("undone")
    assert decided() == [None, None]
    page.keyboard.press("?")
    page.get_by_role("button", name="Switch the keys off").click()
    page.keyboard.press("a")
    page.locator("summary", has_text="Keys").click()
    page.get_by_role("button", name="Switch the keys on").click()
    expect(page.locator("html")).not_to_have_attribute("data-keys", "off")
    assert decided() == [None, None]


def test_a_pair_is_flipped_and_zoomed(service: RunningService, browser: Browser, reused: Reused) -> None:
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(service.url + reused.queue)
    this, earlier = page.locator("#compare img").all()
    expect(earlier).to_be_visible()
    page.keyboard.press("f")
    expect(earlier).to_be_hidden()
    page.keyboard.press("f")
    expect(this).to_be_hidden()
    page.keyboard.press("f")
    expect(this).to_be_visible()
    page.keyboard.press("z")
    assert this.evaluate("one => one.width === one.naturalWidth && one.naturalWidth > 0")


def test_a_picture_that_cannot_be_had_leaves_its_size(
    service: RunningService, browser: Browser, reused: Reused
) -> None:
    page = browser.page
    page.route("**/thumbnail*", lambda route: route.fulfill(status=404))
    try:
        page.goto(f"{service.url}/jobs/{reused.job_id}")
        expect(page.locator(".tile img").first).to_be_hidden()
        expect(page.locator(".tile").first).to_contain_text("800 × 600 jpeg")
    finally:
        page.unroute("**/thumbnail*")
        browser.complaints.clear()


def test_tiles_show_time_and_size_whole(service: RunningService, browser: Browser, reused: Reused) -> None:
    page = browser.page
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{service.url}/jobs/{reused.job_id}")
        (first, *_) = page.locator(".tile .whole").all()
        expect(first).to_contain_text("20 Nov 2026 10:00 UTC")
        expect(first).to_contain_text("800 × 600, ")
        assert page.locator(".tile .whole").evaluate_all(_CUT) == [], width


def test_a_list_of_photos_that_is_empty_uses_the_whole_line(
    service: RunningService, browser: Browser, reused: Reused
) -> None:
    page = browser.page
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (f"/jobs/{reused.job_id}?store=none", "/photos?store=none"):
        page.goto(service.url + address)
        shares = ".getBoundingClientRect().width"
        empty = page.locator(".grid > .empty")
        assert empty.evaluate(f"one => one{shares} === one.parentElement{shares}"), address
