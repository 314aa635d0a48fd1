"""The dashboard in a real browser: nothing is complained of, fetched elsewhere, or wider than the screen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.api.jobs import KIOSK, NOWHERE, visit
from tests.browser import Browser, browsing, needs_chromium
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
        "/sign-in",
        "/stores",
        "/areas",
        f"/store?id={KIOSK}&since=ever",
        "/system",
        "/system/hosts",
        "/system/keys",
    ],
)
def test_a_page_fits_every_screen(
    service: RunningService, browser: Browser, job_id: str, path: str, scheme: str, size: str
) -> None:
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


def test_numbers_follow_by_themselves_and_can_be_paused(service: RunningService, browser: Browser) -> None:
    page = browser.page
    page.goto(f"{service.url}/jobs")
    service.http.post("/api/v1/jobs", json={"name": "seen without a reload", "visits": [visit()]})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # sooner than its five seconds
    expect(page.get_by_role("link", name="seen without a reload")).to_be_visible()


def test_all_works_with_scripts_off(service: RunningService, browser: Browser, job_id: str) -> None:
    page = browser.page
    page.route("**/dashboard.js*", lambda route: route.abort())
    try:
        page.goto(f"{service.url}/jobs/{job_id}")
        page.get_by_role("navigation", name="Of this job").get_by_role("link", name="Stores").click()
        expect(page.get_by_role("link", name=KIOSK)).to_be_visible()
        page.locator("summary", has_text="Download").click()
        expect(page.get_by_role("link", name="CSV")).to_be_visible()
    finally:
        page.unroute("**/dashboard.js*")
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
