"""What strangers hand in, on every page that shows it: nothing of it runs, leads away or is markup."""

import csv
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from playwright.sync_api import expect

from tests.api.jobs import photo, put_stores, store_file, visit
from tests.browser import Browser, browsing, needs_chromium
from tests.dashboard.files import hand_in, look
from tests.origin import Origin, Reply
from tests.running import RunningService

HOSTILE = (
    "x\"'></title></script><img src=/x id=pwn onerror=pwned=1>"
    "<script>pwned=1</script>{{7*7}} javascript:pwned=1"
)
HOSTILE_URL = 'http://127.0.0.1:9/"><img/src=/x/id=pwn/onerror=pwned=1>'
FORMULA = "=1+1"
OWN = re.compile(r"[/#?](?![/\\])|$")
IS_CLEAN = "() => !window.pwned && !document.querySelector('#pwn')"


class Addresses(HTMLParser):
    """Everything in a page that a browser would fetch, follow or send to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in {"iframe", "object", "embed", "base"}
        names = {"href", "src", "action", "formaction", "srcset", "data", "poster"}
        self.found += [value or "" for name, value in attributes if name in names]


@pytest.fixture(scope="module")
def pages(service: RunningService, origin: Origin) -> list[str]:
    """Addresses of all pages that show texts of strangers."""
    store, area = f"S {HOSTILE}"[:200], f"A {HOSTILE}"[:100]
    put_stores(service, store_file([(area, HOSTILE, store)])).raise_for_status()
    good = origin.serve("/hostile.png", Reply(body=photo(40, 30)))
    shown = {
        "store_id": store,
        "visit_time": HOSTILE,
        "image_url": [good, HOSTILE_URL],
        "extra": {HOSTILE: HOSTILE},
    }
    sent = {
        "name": HOSTILE,
        "labels": {"note": HOSTILE[:200]},
        "visits": [shown, visit(HOSTILE, HOSTILE_URL, at=FORMULA)],
        "callback_url": "https://hooks.example/?x=%22'><img/id=pwn>",
    }
    answer = service.http.post("/api/v1/jobs", json=sent)
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["job_id"]
    service.finished(job_id)
    name = f"{HOSTILE}.csv"
    visits = hand_in(
        service, f"{HOSTILE},store_id,image_url,visit_time\n{HOSTILE},{HOSTILE},{good},x\n".encode(), name
    )
    stores = hand_in(
        service, b"AreaCode,StoreName,StoreID\n<img id=pwn>,<img id=pwn>,<img id=pwn>\n", name, "/import"
    )
    job = f"/jobs/{job_id}"
    found = [str(look(service, one).url.raw_path.decode()) for one in (visits, stores)]
    query = [
        str(service.http.build_request("GET", path, params=params).url.raw_path.decode())
        for path, params in (
            ("/store", {"id": store, "since": "ever"}),
            ("/area", {"code": area}),
            ("/stores", {"q": HOSTILE[:50]}),
            ("/stores", {"area": area}),
            ("/jobs", {"q": HOSTILE, "label": f"note:{HOSTILE[:200]}"}),
            ("/photos", {"store": HOSTILE, "area": HOSTILE, "day": HOSTILE}),
            ("/review", {"store": HOSTILE, "area": HOSTILE, "at": HOSTILE}),
            ("/sign-in", {"to": "javascript:pwned=1"}),
            ("/jobs/delete", {"job": job_id}),
            (job, {"store": HOSTILE, "cause": HOSTILE, "flag": HOSTILE, "after": HOSTILE}),
        )
    ]
    plain = ["/", "/jobs", "/areas", "/system/hosts", "/system/callbacks", "/system/workers"]
    parts = ["", "/stores", "/callbacks", "/about", "/photos/1", "/photos/2", "/photos/3", "?only=failed"]
    return [*plain, *(job + part for part in parts), *query, *found]


@pytest.fixture(scope="module")
def browser(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        assert [ask.url for ask in browser.requests if not ask.url.startswith(service.url)] == []
        assert browser.complaints == []


def test_no_page_leads_away(service: RunningService, pages: list[str]) -> None:
    shown = 0
    for address in pages:
        answer = service.http.get(address, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (address, answer.text)
        assert "id=pwn>" not in answer.text.replace("id=pwn&gt;", "")
        shown += "id=pwn" in answer.text
        assert [one for one in Addresses(answer.text).found if not OWN.match(one)] == [], address
    assert shown > len(pages) / 2


@needs_chromium
def test_nothing_runs_in_a_browser(service: RunningService, browser: Browser, pages: list[str]) -> None:
    page = browser.page
    for address in pages:
        page.goto(service.url + address)
        assert page.evaluate(IS_CLEAN), address
        assert browser.complaints == [], address
    for address in ("/jobs", pages[6]):
        page.goto(service.url + address)
        expect(page.locator("[data-live-text]")).to_contain_text("UTC")
        assert page.evaluate(IS_CLEAN), address


def test_files_of_a_page_hold_no_formula(service: RunningService, pages: list[str]) -> None:
    text = service.http.get(next(one for one in pages if "cause=" in one)).text
    links = [one for one in Addresses(text).found if "format=csv" in one]
    assert links
    for link in links:
        answer = service.http.get(link)
        assert re.fullmatch(r'attachment; filename="[\w.-]+"', answer.headers["content-disposition"])
        cells = [cell for row in csv.reader(answer.text.splitlines()) for cell in row]
        assert f"'{FORMULA}" in cells
        assert FORMULA not in cells


def test_the_command_to_copy_is_one_command(service: RunningService, pages: list[str]) -> None:
    text = service.http.get(next(one for one in pages if "cause=" in one)).text
    command = text.partition('id="curl">')[2].partition("</code>")[0]
    assert re.fullmatch(r"curl -o [0-9a-f-]{36}\.csv &#39;http://[^'&]*(&amp;[^'&]*)*&#39;", command), command
