"""Rules that hold for every page, whatever it shows: light and dark, on a phone and on a desk.

A page that is added needs addresses in `pages`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Route

from retailpulse.samples import sample_stores
from tests.browser import Browser, needs_chromium
from tests.dashboard.accessibility import small_controls, violations
from tests.dashboard.conftest import Reused
from tests.dashboard.files import WINDOWS, hand_in
from tests.dashboard.in_pieces import in_pieces
from tests.dashboard.pages import ROUTES, SIZES, addresses, page_routes
from tests.dashboard.test_pages import Elements, check
from tests.running import RunningService

DESK, PHONE, NARROW = SIZES.values()
FIRST_PAINT_BYTES = 50_000
GROUNDS = {"light": "rgb(246, 246, 243)", "dark": "rgb(17, 19, 16)"}
_WATCH_SHIFTS = """window.shifts = [];
new PerformanceObserver(list => list.getEntries().forEach(entry => window.shifts.push(
  `${entry.value}: ${entry.sources.map(one => one.node?.outerHTML?.slice(0, 80))}`)))
  .observe({type: "layout-shift", buffered: true});"""
_PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
each_route = pytest.mark.parametrize("route", ROUTES)
each_size = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@pytest.fixture(scope="module")
def shown(service: RunningService, reused: Reused, failed_job: str) -> Mapping[str, tuple[str, ...]]:
    visits = hand_in(service, WINDOWS, "week 48.csv").headers["location"]
    stores = hand_in(service, sample_stores().encode(), "stores.csv", "/import").headers["location"]
    return addresses(reused, failed_job, visits, stores)


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Browser:
    """A browser whose pages note what moves in them by itself."""
    browser.page.add_init_script(_WATCH_SHIFTS)
    return browser


def opened(browser: Browser, address: str, size: tuple[int, int], scheme: str = "light") -> None:
    """Opens a page in a window of this size."""
    browser.page.set_viewport_size({"width": size[0], "height": size[1]})
    browser.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    browser.page.goto(address)


@dataclass(kw_only=True, slots=True)
class Scripts:
    """The scripts of a page: `routes` wait while they are held."""

    are_held: bool = True
    routes: list[Route] = field(default_factory=list)


@pytest.fixture
def scripts(watched: Browser) -> Iterator[Scripts]:
    """Scripts as pages ask for them. There are no news, which would move a page."""
    scripts = Scripts()

    def hold(route: Route) -> None:
        if route.request.resource_type == "script" and scripts.are_held:
            scripts.routes.append(route)
        elif "event-stream" not in route.request.headers.get("accept", ""):
            route.continue_()

    watched.page.route("**/*", hold)
    yield scripts
    watched.page.goto("about:blank")
    watched.page.unroute_all(behavior="ignoreErrors")


def opened_before_its_scripts(
    browser: Browser, address: str, size: tuple[int, int], scripts: Scripts
) -> None:
    """Opens a page whose scripts come once it is drawn, as on a busy machine."""
    scripts.are_held = True
    scripts.routes.clear()
    page = browser.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#end", state="attached")
    page.evaluate(_PAINTED)
    scripts.are_held = False
    for script in scripts.routes:
        script.continue_()
    page.wait_for_load_state()
    page.evaluate(_PAINTED)


def test_every_page_has_addresses() -> None:
    assert page_routes() == set(ROUTES)


@each_route
def test_a_page_is_small_safe_and_has_one_heading(
    service: RunningService, shown: Mapping[str, tuple[str, ...]], route: str
) -> None:
    for address in shown[route]:
        answer = service.http.get(address, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        check(answer)
        found = Elements(answer.text).found
        assert [tag for tag, _ in found if tag in {"style", "iframe", "object", "embed"}] == []
        (title,) = answer.text.split("<title>")[1:]
        assert title.partition("</title>")[0].strip(" ·").removesuffix("Retail Pulse").strip(" ·")
        styles = [attributes["href"] for _, attributes in found if attributes.get("rel") == "stylesheet"]
        sizes = [service.http.get(style).num_bytes_downloaded for style in styles]
        assert answer.num_bytes_downloaded + sum(sizes) < FIRST_PAINT_BYTES


@needs_chromium
@each_route
@each_size
def test_a_page_is_accessible(
    service: RunningService,
    watched: Browser,
    shown: Mapping[str, tuple[str, ...]],
    route: str,
    size: tuple[int, int],
) -> None:
    for address in shown[route]:
        opened(watched, service.url + address, size)
        assert violations(watched.page) == [], address
        watched.page.emulate_media(color_scheme="dark")
        assert violations(watched.page, rules=["color-contrast"]) == [], address
        complaints, watched.complaints = watched.complaints, []
        assert complaints == [], address


@needs_chromium
@each_route
def test_a_page_fits_every_screen(
    service: RunningService,
    watched: Browser,
    shown: Mapping[str, tuple[str, ...]],
    scripts: Scripts,
    route: str,
) -> None:
    page = watched.page
    for address in shown[route]:
        for size in (DESK, PHONE, NARROW):
            opened_before_its_scripts(watched, service.url + address, size, scripts)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], address
            assert page.evaluate("window.shifts") == [], address
            assert size == DESK or small_controls(page) == [], address


@needs_chromium
def test_nothing_moves_in_a_page_that_arrives_slowly(
    service: RunningService, watched: Browser, shown: Mapping[str, tuple[str, ...]]
) -> None:
    with in_pieces(service.url) as url:
        for address in ("/", *shown["/submit/{file_id}"], *shown["/jobs/{job_id}"]):
            for size in (DESK, PHONE):
                opened(watched, url + address, size)
                assert watched.page.evaluate("window.shifts") == [], address
        watched.page.goto("about:blank")  # what is still on its way would be complained of later
    watched.complaints.clear()  # there are no live updates
    watched.requests = [asked for asked in watched.requests if not asked.url.startswith(url)]


@needs_chromium
@pytest.mark.parametrize("scheme", GROUNDS)
def test_pages_follow_the_theme_of_the_browser(
    service: RunningService, watched: Browser, scheme: str
) -> None:
    opened(watched, service.url, DESK, scheme)
    ground = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == GROUNDS[scheme]


@needs_chromium
def test_an_error_is_a_page_like_the_others(service: RunningService, watched: Browser) -> None:
    for size in (DESK, NARROW):
        opened(watched, f"{service.url}/jobs/nonsense", size)
        assert violations(watched.page) == []
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert [text for text in watched.complaints if "status of 404" not in text] == []
    watched.complaints.clear()
