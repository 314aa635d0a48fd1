"""Each task of docs/dashboard-compared.md done in a browser, with as many clicks as the document says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.api.jobs import KIOSK, body, held, photo, visit
from tests.browser import Browser, needs_chromium
from tests.dashboard.conftest import Reused
from tests.origin import Origin
from tests.running import RunningService, wait_for

pytestmark = needs_chromium
DOCUMENT = (Path(__file__).parents[2] / "docs" / "dashboard-compared.md").read_text()
TOLD = {
    task: int(number) for task, number in re.findall(r"^\| ([^|]+) \|.*\| (\d+) \|$", DOCUMENT, re.MULTILINE)
}


class Hands:
    """One person at the overview, who clicks and presses keys; `used` counts both."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.used = 0
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(url)

    def click(self, what: Locator) -> None:
        """Clicks on it."""
        what.click()
        self.used += 1

    def link(self, name: str | re.Pattern[str]) -> None:
        """Clicks on the first link of this name."""
        self.click(self.page.get_by_role("link", name=name).first)

    def press(self, key: str) -> None:
        """Presses a key."""
        self.page.keyboard.press(key)
        self.used += 1


@pytest.fixture
def hands(service: RunningService, browser: Browser) -> Hands:
    return Hands(browser.page, service.url)


@pytest.fixture
def failed(service: RunningService) -> str:
    """The name of the newest job, all of whose photos failed."""
    job_id = service.http.post("/api/v1/jobs", json=body(visit(), visit(KIOSK), name="Clicks")).json()[
        "job_id"
    ]
    service.finished(job_id)
    return "Clicks"


def test_every_task_of_the_document_is_done_here() -> None:
    done = re.findall(r'TOLD\["([^"]+)"\]', Path(__file__).read_text())
    assert sorted(done) == sorted(TOLD)


def test_to_see_why_photos_failed(hands: Hands, failed: str) -> None:
    hands.page.reload()
    hands.link(failed)
    expect(hands.page.locator("#summary")).to_contain_text("Unusable URL")
    assert hands.used == TOLD["See why photos of a job failed"]


def test_to_see_what_failed_in_a_store(hands: Hands, failed: str) -> None:
    hands.page.reload()
    hands.link(failed)
    hands.click(hands.page.get_by_role("navigation", name="Of this job").get_by_role("link", name="Stores"))
    hands.link("Station Kiosk")
    expect(hands.page.locator(".tile")).to_have_count(1)
    assert hands.used == TOLD["See what failed in one store"]


def test_to_try_again_what_failed(hands: Hands, failed: str) -> None:
    hands.page.reload()
    hands.link(failed)
    hands.click(hands.page.get_by_role("button", name="Retry 2 failed"))
    expect(hands.page.locator(".toast")).to_contain_text("tried again")
    assert hands.used == TOLD["Try again what failed"]


def test_to_stop_a_job(hands: Hands, service: RunningService, origin: Origin) -> None:
    def confirm(dialog: Dialog) -> None:
        hands.used += 1
        dialog.accept()

    with held(origin, "/clicks/held.png", photo(80, 60)) as url:
        sent = body(visit(KIOSK, url), name="A mistake")
        job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
        hands.page.reload()
        hands.page.once("dialog", confirm)
        hands.link("A mistake")
        hands.click(hands.page.get_by_role("button", name=re.compile("Cancel")))
        wait_for(lambda: service.job(job_id)["status"] == "cancelled")
    assert hands.used == TOLD["Stop what was sent by mistake"]


def test_to_get_the_results(hands: Hands, failed: str) -> None:
    hands.page.reload()
    hands.link(failed)
    hands.click(hands.page.locator("summary", has_text="Download"))
    with hands.page.expect_download() as downloading:
        hands.link("CSV")
    assert Path(downloading.value.path()).read_text().count("\n") == 3
    assert hands.used == TOLD["Get the results as a file"]


def test_to_review_by_keys(service: RunningService, hands: Hands, hand_in: Callable[[], Reused]) -> None:
    heading = hands.page.get_by_role("heading", level=1)
    said = hands.page.locator(".toast")
    hand_in()
    hands.link(re.compile("Review"))
    expect(heading).to_contain_text("Review")
    assert hands.used == TOLD["Come to the first photo to decide on"]
    hands.page.goto(service.url + hand_in().queue)
    for key, answer, task in (
        ("r", "rejected", TOLD["Decide, and see the next one"]),
        ("u", "undone", TOLD["Take the last decision back"]),
        ("n", "wrong", TOLD["Keep both, and never be asked again"]),
    ):
        hands.used = 0
        hands.press(key)
        expect(said).to_contain_text(answer)
        assert hands.used == task
