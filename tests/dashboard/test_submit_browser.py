"""Submitting by a real browser: from a pasted text to the download, by a file, and with scripts off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.jobs import KIOSK, photo
from tests.browser import Browser, browsing, needs_chromium
from tests.dashboard.files import WINDOWS, hand_in
from tests.dashboard.pages import SIZES
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for
from tests.tables.workbooks import xlsx

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        assert [ask.url for ask in browser.requests if not ask.url.startswith(service.url)] == []
        assert browser.complaints == []


@pytest.fixture
def page(browser: Browser) -> Page:
    browser.page.set_viewport_size({"width": 1280, "height": 900})
    return browser.page


def test_a_job_goes_from_paste_to_download(
    service: RunningService, page: Page, origin: Origin, tmp_path: Path
) -> None:
    url = origin.serve("/pasted.png", Reply(body=photo(30, 20)))
    page.goto(service.url)
    page.locator("main").get_by_role("link", name="Submit", exact=True).first.click()
    page.get_by_label("Paste a table or JSON").fill(
        f"Shop\tPhoto\tDate\n{KIOSK}\t{url}\t2026-11-20\n\t{url}\t2026-11-20\n"
    )
    page.get_by_role("button", name="Look at the text").click()
    expect(page.get_by_role("heading", name="1 row cannot be sent")).to_be_visible()
    expect(page.get_by_role("cell", name="it is empty")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("from a paste")
    page.get_by_role("button", name="Send 1 photo, leave out 1 row").click()
    expect(page.locator(".toast")).to_contain_text("The job is sent")
    expect(page.get_by_role("heading", level=1)).to_have_text("from a paste")
    job_id = page.url.partition("?")[0].rpartition("/")[2]
    service.finished(job_id)
    page.locator("summary", has_text="Download").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    downloading.value.save_as(tmp_path / "results.csv")
    assert KIOSK in (tmp_path / "results.csv").read_text()


def test_a_file_is_looked_at_as_soon_as_it_is_chosen(service: RunningService, page: Page) -> None:
    page.goto(f"{service.url}/submit")
    rows = [["Geschäft", "Bild", "Wann"], [KIOSK, "https://photos.example/a.jpg", "2026-11-20"]]
    page.get_by_label("Choose a file").set_input_files(
        {"name": "week 48.xlsx", "mimeType": "application/x", "buffer": xlsx({"Blatt": rows})}
    )
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    for column, field in (("Geschäft", "Store ID"), ("Bild", "Photo URL"), ("Wann", "Visit time")):
        page.get_by_label(column).select_option(label=field)
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_label("Bild")).to_have_value("image_url:Bild")
    expect(page.get_by_label("Name", exact=True)).to_have_value("week 48")
    page.get_by_role("button", name="Send 1 photo").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("week 48")
    wait_for(lambda: len(service.http.get("/api/v1/jobs", params={"name": "week 48"}).json()["items"]) == 1)


def test_a_file_that_is_refused_is_said_beside_its_field(service: RunningService, page: Page) -> None:
    page.goto(f"{service.url}/submit")
    page.locator("[data-upload]").evaluate("form => { form.dataset.most = 10; }")
    page.get_by_label("Choose a file").set_input_files(
        {"name": "visits.csv", "mimeType": "text/csv", "buffer": b"x" * 11}
    )
    expect(page.get_by_role("alert")).to_contain_text("larger than 10 bytes")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", ["/submit?sample=1", "/import", "look", "stores", "refused"])
def test_a_page_of_files_fits_every_screen(
    service: RunningService, browser: Browser, path: str, size: str, scheme: str
) -> None:
    wide = b"AreaCode,StoreName,StoreID\n" + b"x" * 600 + b",a,b\n" + b"1,c," + b"y" * 300 + b"\n"
    if path == "look":
        location = hand_in(service, WINDOWS.replace(b"Tour", b"T" * 200), "w" * 150).headers["location"]
        path = f"{location}&columns=image_url:Fotos&columns=visit_time:Datum"
    elif path == "stores":
        path = hand_in(service, wide, to="/import").headers["location"]
    elif path == "refused":
        path = hand_in(service, b"a" * 300 + b",b\nc,d\n").headers["location"]
    width, height = SIZES[size]
    page = browser.page
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto(service.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_all_works_with_scripts_off(service: RunningService, browser: Browser, page: Page) -> None:
    page.route("**/*.js*", lambda route: route.abort())
    try:
        page.goto(f"{service.url}/import")
        page.get_by_label("Choose a file").set_input_files(
            {
                "name": "stores.csv",
                "mimeType": "text/csv",
                "buffer": b"Region;Name;Outlet\nnorth;\xc4pfel;off-1\nnorth;x;\n",
            }
        )
        page.get_by_role("button", name="Look at the file").click()
        page.get_by_role("button", name="Load 1 store, leave out 1 line").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("1 added")
        page.locator("main").get_by_role("link", name="Submit a job").click()
        page.get_by_role("link", name="Try a sample").click()
        page.get_by_role("button", name="Look at the text").click()
        page.get_by_role("button", name="Send 4 photos").click()
        expect(page.locator(".toast")).to_contain_text("The job is sent")
    finally:
        page.unroute("**/*.js*")
        browser.complaints.clear()
