"""Swagger UI: true to the description in a browser that reaches no other host, and kept well."""

import gzip
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from retailpulse.api.docs.files import BUILDS, DocsFiles
from tests.browser import Browser, browsing, needs_chromium
from tests.contract.running import make_key
from tests.running import RunningService


@pytest.fixture
def browser(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that must ask the service alone, and have nothing to complain of."""
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        elsewhere = [ask.url for ask in browser.requests if not ask.url.startswith((service.url, "blob:"))]
        assert elsewhere == []
        assert browser.complaints == []


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, str]]:
    """A service that asks for keys, and a key."""
    service = RunningService(tmp_path_factory.mktemp("guarded"), is_migrated=True)
    try:
        yield service, make_key(service.wait_until_ready())
    finally:
        service.stop()


@pytest.fixture(scope="module")
def operations(service: RunningService) -> list[dict[str, Any]]:
    paths = service.http.get("/openapi.json").json()["paths"]
    return [operation for methods in paths.values() for operation in methods.values()]


def open_operation(page: Page, tag: str, operation_id: str) -> Locator:
    """An operation of Swagger UI, opened and ready to be tried."""
    block = page.locator(f"#operations-{tag}-{operation_id}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def execute(block: Locator) -> tuple[str, str]:
    """The status and the body that Swagger UI shows after the request."""
    block.get_by_role("button", name="Execute").click()
    live = block.locator(".live-responses-table .response").first
    expect(live).to_be_visible()
    shown = live.locator(".response-col_status").inner_text().split()[0]
    return shown, live.locator(".highlight-code").first.inner_text()


@needs_chromium
def test_swagger_ui_shows_every_operation(
    service: RunningService, browser: Browser, operations: list[dict[str, Any]]
) -> None:
    browser.page.goto(f"{service.url}/docs")
    for operation in operations:
        block = browser.page.locator(f"#operations-{operation['tags'][0]}-{operation['operationId']}")
        expect(block).to_contain_text(operation["summary"])
    webhooks = browser.page.locator(".opblock", has_text="job.ended")
    expect(webhooks).to_contain_text("A job has ended")
    expect(browser.page.locator(".opblock")).to_have_count(len(operations) + 1)


@needs_chromium
def test_an_operation_is_tried_out_and_its_answer_shown(service: RunningService, browser: Browser) -> None:
    browser.page.goto(f"{service.url}/docs")
    status, body = execute(open_operation(browser.page, "service", "getReady"))
    assert (status, '"status": "ready"' in body) == ("200", True)


@needs_chromium
def test_the_example_of_a_submit_is_a_job(service: RunningService, browser: Browser) -> None:
    browser.page.goto(f"{service.url}/docs")
    status, body = execute(open_operation(browser.page, "contract", "submit"))
    found = re.search(r'"job_id": "(.*)"', body)
    assert status == "201" and found
    assert service.http.get("/api/status", params={"jobid": found[1]}).status_code == 200


@needs_chromium
@pytest.mark.parametrize("media_type", ["application/json", "text/csv", "application/x-ndjson"])
def test_every_form_of_a_submit_has_an_example_that_works(
    service: RunningService, browser: Browser, media_type: str
) -> None:
    browser.page.goto(f"{service.url}/docs")
    block = open_operation(browser.page, "jobs", "submitJob")
    block.locator(".opblock-section-request-body .content-type").select_option(media_type)
    status, body = execute(block)
    assert (status, "job_id" in body) == ("201", True)


@needs_chromium
@pytest.mark.slow
def test_a_key_that_is_typed_in_opens_what_was_closed(
    guarded: tuple[RunningService, str], tmp_path: Path
) -> None:
    service, key = guarded
    with browsing(tmp_path) as browser:
        page = browser.page
        page.goto(f"{service.url}/docs")
        block = open_operation(page, "service", "getStats")
        assert execute(block)[0] == "401"
        page.get_by_role("button", name="Authorize").click()
        page.get_by_label("auth-bearer-value").fill(key)
        page.get_by_role("button", name="Apply credentials").click()
        page.get_by_role("button", name="Close", exact=True).first.click()
        block.get_by_role("button", name="Clear").click()
        status, body = execute(block)
        assert (status, '"workers": 1' in body) == ("200", True)
        asked = [request.url for request in browser.requests]
        assert [url for url in asked if not url.startswith((service.url, "blob:"))] == []


def test_files_are_kept_by_version_and_sent_small(service: RunningService) -> None:
    page = service.http.get("/docs").text
    scripts = re.findall(r'(?:src|href)="(/docs/files/[^"]+)"', page)
    assert len(scripts) == 5
    for path in scripts:
        answer = service.http.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"


def test_a_file_without_its_version_is_asked_for_again(service: RunningService) -> None:
    for version in ({}, {"v": "0123456789abcdef"}):
        answer = service.http.get("/docs/files/docs.css", params=version)
        assert answer.headers["cache-control"] == "no-cache"


def test_who_cannot_unpack_gets_a_file_as_it_is(service: RunningService) -> None:
    plain = service.http.get("/docs/files/swagger.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with service.http.stream("GET", "/docs/files/swagger.js") as packed:
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


@pytest.mark.parametrize(
    "name", ["nothing.js", "handlers.py", "..%2f..%2fapp.py", "swagger.html", "%00", "a" * 5_000]
)
def test_no_other_file_is_served(service: RunningService, name: str) -> None:
    assert service.http.get(f"/docs/files/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_pages_forbid_the_browser_every_other_host(service: RunningService, path: str) -> None:
    policy = service.http.get(path).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?:|\*|script-src[^;]*unsafe", policy)


def test_swagger_ui_is_what_its_makers_published() -> None:
    """The digests are those of `npm pack swagger-ui-dist@5.31.0`: another version has others."""
    assert {name: sha256(DocsFiles().files[name].content).hexdigest() for name in BUILDS} == {
        "swagger-ui.css": "9e576f8322132c76949da47f9bb53c891373c303ea3a761ff548ffc9de50a98c",
        "swagger-ui-bundle.js": "93b7b0862a80e2786f85b560be7693c2344354ffa7e7e224f850a54349724c31",
    }
