"""The dashboard in a real browser: nothing is complained of, fetched elsewhere, or wider than the screen."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.api.jobs import KIOSK, NOWHERE, visit
from tests.browser import Browser, browsing, needs_chromium
from tests.dashboard.conftest import Reused
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
STYLE = Path(__file__).parents[2] / "src/retailpulse/dashboard/static/dashboard.css"
LONG = "A name that goes on and on, שלום, 東京の店舗, " + "x" * 120
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 700)}


@pytest.fixture(scope="module")
def browser(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        assert [ask.url for ask in browser.requests if not ask.url.startswith(service.url)] == []
        assert browser.complaints == []


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    visits = [visit(), visit(KIOSK, NOWHERE, "https://photos.example/" + "x" * 300)]
    made = service.http.post("/api/v1/jobs", json={"name": LONG, "visits": visits}).json()["job_id"]
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{made}").json()["finished_at"])
    return str(made)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/jobs",
        "/jobs/{}",
        "/jobs/{}/stores",
        "/jobs/{}/about",
        "/jobs/{}/photos/1",
        "reused",
        "review",
        "/sign-in",
        "/stores",
        "/areas",
        f"/store?id={KIOSK}&since=ever",
        "/system",
        "/system/hosts",
        "/system/keys",
        "/system/workers",
        "/system/callbacks",
        "/system/check",
        "/system/settings",
    ],
)
def test_a_page_fits_every_screen(
    service: RunningService,
    browser: Browser,
    job_id: str,
    reused: Reused,
    path: str,
    scheme: str,
    size: str,
) -> None:
    path = {"reused": reused.photo(3), "review": reused.queue}.get(path, path)
    width, height = SIZES[size]
    page = browser.page
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto(service.url + path.format(job_id))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(246, 246, 243)" if scheme == "light" else "rgb(17, 19, 16)"
    )


def test_a_store_that_failed_is_found_and_retried(
    service: RunningService, browser: Browser, job_id: str
) -> None:
    page = browser.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(service.url)
    page.get_by_role("link", name=re.compile("^A name that goes on")).click()
    page.get_by_role("navigation", name="Of this job").get_by_role("link", name="Stores").click()
    page.get_by_role("link", name=KIOSK).click()
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_role("button", name="Retry 3 failed").click()
    expect(page.get_by_role("status")).to_contain_text("tried again")
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{job_id}").json()["retries"] == 1)


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
    page.get_by_role("button", name="Switch the keys on").click()
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


def test_all_works_with_scripts_off(service: RunningService, browser: Browser, job_id: str) -> None:
    page = browser.page
    page.route("**/assets/*.js*", lambda route: route.abort())
    try:
        page.goto(f"{service.url}/jobs/{job_id}")
        page.get_by_role("navigation", name="Of this job").get_by_role("link", name="Stores").click()
        expect(page.get_by_role("link", name=KIOSK)).to_be_visible()
        page.locator("summary", has_text="Download").click()
        expect(page.get_by_role("link", name="CSV")).to_be_visible()
    finally:
        page.unroute("**/assets/*.js*")
        browser.complaints.clear()


def luminance(colour: str) -> float:
    """The relative luminance of a colour as WCAG has it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_texts_stand_out_from_what_they_are_on(theme: int) -> None:
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLE.read_text())
    colours = {name: values[theme] for name, *values in found}
    for name in ("text", "muted", "accent", "ok", "bad", "warn", "reuse", "place"):
        soft = [colours[f"{name}-soft"]] if f"{name}-soft" in colours else []
        for ground in (colours["bg"], colours["surface"], colours["sunken"], *soft):
            assert round(contrast(colours[name], ground), 1) >= 5.8
    for name in ("edge", "ok-fill", "bad-fill", "warn-fill", "reuse-fill", "place-fill"):
        assert contrast(colours[name], colours["surface"]) >= 3.6
    for name in ("ok-fill", "bad-fill", "warn-fill", "reuse-fill", "place-fill"):
        assert contrast(colours[name], colours["track"]) >= 3.0
