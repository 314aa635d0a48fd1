"""A job in a browser while it runs: photos, buttons and filters change by themselves, and nothing jumps."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.api.jobs import CORNER_SHOP, KIOSK, body, held, photo, visit
from tests.browser import Browser, needs_chromium
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
LOADED = "images => images.length && images.every(one => one.complete && one.naturalWidth > 0 && !one.hidden)"
PARTS = "#job-state, #job-actions, #summary, #filters, #photos"


@contextmanager
def waiting_photos(origin: Origin, name: str) -> Iterator[list[str]]:
    """URLs of two photos that come once the block is left, and of two that are not there."""
    gone = [origin.serve(f"/{name}-{status}.png", Reply(status=status)) for status in (404, 410)]
    with (
        held(origin, f"/{name}-1.png", photo(640, 480)) as first,
        held(origin, f"/{name}-2.png", photo(320, 240)) as second,
    ):
        yield [first, second, *gone]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    browser.page.set_viewport_size({"width": 1360, "height": 900})
    yield browser.page
    browser.page.goto("about:blank")


def shown(page: Page) -> list[str]:
    return page.locator(PARTS).all_inner_texts()


def test_a_page_of_a_job_that_runs_becomes_that_of_one_that_has_ended(
    service: RunningService, page: Page, origin: Origin
) -> None:
    with waiting_photos(origin, "watched") as urls:
        page.goto(f"{service.url}/submit")
        rows = "".join(f"{KIOSK}\t{url}\t2026-11-20\n" for url in urls)
        page.get_by_label("Paste a table or JSON").fill(f"Shop\tPhoto\tDate\n{rows}")
        page.get_by_role("button", name="Look at the text").click()
        page.get_by_role("button", name="Send 4 photos").click()
        expect(page.locator(".toast")).to_have_text("The job is sent.")
        expect(page.get_by_role("button", name="Cancel the job")).to_be_visible()
        expect(page.get_by_role("link", name="Waiting 2")).to_be_visible()
        expect(page.locator(".tile", has_text="waits")).to_have_count(2)
    pictures = page.locator(".tile img")
    expect(pictures).to_have_count(2)
    wait_for(lambda: pictures.evaluate_all(LOADED))
    expect(page.get_by_role("button", name="Retry 2 failed")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the job")).to_have_count(0)
    expect(page.locator(".filter", has_text="Failed")).to_be_visible()
    expect(page.locator(".filter", has_text="Waiting")).to_have_count(0)
    service.finished(page.url.partition("?")[0].rpartition("/")[2])
    before = shown(page)
    page.reload()
    wait_for(lambda: shown(page) == before)


def test_a_tile_under_the_pointer_stays_there(service: RunningService, page: Page, origin: Origin) -> None:
    page.set_viewport_size({"width": 1000, "height": 600})
    with waiting_photos(origin, "pointed") as urls, held(origin, "/pointed-late.png", b"no photo") as late:
        sent = body(visit(KIOSK, *urls[:2], late, *urls[2:]), name="pointed at")
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        page.goto(f"{service.url}/jobs/{job_id}")
        tile = page.locator("#photo-1")
        tile.scroll_into_view_if_needed()
        tile.hover()
        expect(page.get_by_role("link", name="Waiting 3")).to_be_visible()
        summary = page.locator("#summary").bounding_box()
        before = tile.bounding_box()
    expect(page.get_by_role("button", name="Retry 3 failed")).to_be_visible()
    wait_for(lambda: page.locator("#photo-1 img").evaluate_all(LOADED))
    grown = page.locator("#summary").bounding_box()
    after = tile.bounding_box()
    assert summary and grown and before and after
    assert grown["height"] > summary["height"]
    assert after["y"] == pytest.approx(before["y"], abs=1)


def test_a_button_under_the_pointer_does_not_become_another(
    service: RunningService, page: Page, origin: Origin
) -> None:
    with waiting_photos(origin, "pressed") as urls:
        sent = body(visit(KIOSK, *urls), name="pressed late")
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        page.goto(f"{service.url}/jobs/{job_id}")
        page.get_by_role("button", name="Cancel the job").hover()
    expect(page.locator("#job-state")).to_contain_text("Done, 2 failed")
    expect(page.get_by_role("button", name="Cancel the job")).to_be_visible()
    page.mouse.move(700, 500)
    expect(page.get_by_role("button", name="Retry 2 failed")).to_be_visible()


def test_stores_of_a_job_get_their_counts_in_their_places(
    service: RunningService, page: Page, origin: Origin
) -> None:
    with waiting_photos(origin, "stores") as urls:
        sent = body(visit(KIOSK, *urls[2:]), visit(CORNER_SHOP, *urls[:2]), name="stores live")
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        page.goto(f"{service.url}/jobs/{job_id}/stores")
        rows = page.locator("#stores tbody tr")
        expect(rows).to_have_count(2)
        held_row = rows.first.element_handle()
        expect(rows.first.locator(".bad")).to_have_text("2")
        assert "Measured" not in page.locator("#stores thead").inner_text()
    expect(page.locator("#stores thead")).to_contain_text("Measured")
    expect(rows.last.locator(".number").nth(1)).to_have_text("2")
    expect(rows.last).to_contain_text("Corner Shop")
    assert rows.first.evaluate("(row, held) => row === held", held_row)


def test_photos_of_a_filter_come_after_a_minute_without_anybody(
    service: RunningService, page: Page, origin: Origin
) -> None:
    with waiting_photos(origin, "filtered") as urls:
        sent = body(visit(KIOSK, *urls), name="filtered")
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        page.goto(f"{service.url}/jobs/{job_id}?only=waiting")
        page.mouse.move(300, 100)
        expect(page.locator(".tile:not(.gone)")).to_have_count(2)
    expect(page.locator(".tile:not(.gone)")).to_have_count(0)
    expect(page.locator(".tile")).not_to_have_count(0)
    expect(page.get_by_role("button", name="The list has changed, show")).to_be_visible()
    page.evaluate("performance.now = () => 3_600_000")
    expect(page.locator(".tile")).to_have_count(0)
    expect(page.get_by_role("button", name=", show")).to_be_hidden()
