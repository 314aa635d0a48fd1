"""The page that looks into a process: begun by a form, followed, its picture seen and opened."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser import Browser, needs_chromium
from tests.dashboard.test_pages import page
from tests.processes import needs_tracing
from tests.running import RunningService, wait_for

REACHES = """() => {
  const reached = [];
  try { if (document.cookie !== undefined) reached.push("cookies"); } catch {}
  try { if (window.localStorage) reached.push("storage"); } catch {}
  if (window.origin !== "null") reached.push("origin");
  return reached;
}"""
"""What a picture's scripts could get hold of."""


def begin(service: RunningService, **form: str) -> httpx.Response:
    return service.http.post(
        "/system/profile",
        data={"process": "api", "kind": "cpu", "seconds": "1"} | form,
        headers={"Accept": "text/html"},
    )


@needs_chromium
@needs_tracing
@pytest.mark.parametrize(("kind", "drawn"), [("CPU time", "#frames g"), ("Memory", "#chart g")])
def test_a_person_looks_into_a_process(
    service: RunningService, browser: Browser, kind: str, drawn: str
) -> None:
    shown = browser.page
    shown.goto(f"{service.url}/system")
    shown.get_by_role("link", name="Profile").click()
    shown.get_by_label("Process").select_option("worker-1")
    shown.get_by_label("What").select_option(kind)
    shown.get_by_label("Seconds").fill("3")
    shown.get_by_role("button", name="Look into it").click()
    expect(shown.get_by_role("progressbar")).to_have_attribute("max", "3")
    link = shown.get_by_role("link", name="open it")
    expect(link).to_be_visible(timeout=60_000)  # the page is brought up to date by itself
    if kind == "CPU time":
        picture = shown.get_by_role("img", name="A flame graph of worker-1")
        wait_for(lambda: picture.evaluate("one => one.naturalWidth > 100"))
    with shown.expect_popup() as opening:
        link.click()
    opened = opening.value
    expect(opened.locator(drawn).first).to_be_attached()
    assert opened.evaluate(REACHES) == []
    opened.close()


def test_what_a_form_cannot_mean_is_refused(service: RunningService) -> None:
    for wrong, said in (
        ({"seconds": "61"}, "a profile takes from 1 to 60"),
        ({"seconds": "ten"}, "write a whole number from 1 to 60"),
        ({"kind": "disk"}, "write cpu or memory"),
    ):
        answer = begin(service, **wrong)
        assert (answer.status_code, said in answer.text) == (400, True)


def test_a_profile_that_fails_says_why_on_its_page(service: RunningService) -> None:
    assert begin(service, process="worker-9").status_code == 303
    said = "There is no picture: there is no process worker-9; there are api"
    wait_for(lambda: said in page(service, "/system/profile"))
