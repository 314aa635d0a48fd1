"""The pages of the dashboard over a running service: what they say, and that nothing in them can act."""

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from uuid import UUID

import httpx
import pytest

from retailpulse.dashboard import places
from retailpulse.storage.stores.search import Part, StoreCursor
from retailpulse.storage.stores.visits import VisitCursor
from tests.api.jobs import KIOSK, NO_JOB, NOWHERE, body, visit
from tests.running import RunningService, wait_for

HOSTILE = '<script>alert(1)</script>" onload="x'


class Elements(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def page(service: RunningService, path: str) -> str:
    """A page as a browser gets it, with its headers checked."""
    answer = service.http.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    check(answer)
    return answer.text


def check(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/html")
    found = Elements(answer.text).found
    names = {name for _, attributes in found for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}
    assert [tag for tag, _ in found].count("h1") == 1
    assert {attributes.get("src", "")[:8] for tag, attributes in found if tag == "script"} == {"/assets/"}


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """A job that has ended: every image failed, under a name that would be markup."""
    sent = {
        "name": HOSTILE,
        "labels": {"region": HOSTILE},
        "visits": [visit(), visit(KIOSK, NOWHERE, "none")],
    }
    made = str(service.http.post("/api/v1/jobs", json=sent).json()["job_id"])
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{made}").json()["finished_at"])
    return made


def test_the_overview_says_how_things_stand(service: RunningService, job_id: str) -> None:
    wait_for(lambda: "Unusable URL" in page(service, "/"))  # numbers are kept for a moment
    text = page(service, "/")
    assert f'href="/jobs/{job_id}"' in text
    for period in ("hour", "day"):
        assert f"Images a second over the last {period}: " in text
    assert 'href="/?period=day" aria-current="true"' in page(service, "/?period=day")
    assert 'href="/jobs?state=failed&amp;cause=bad_url"' in page(service, "/?period=century")


def test_a_job_tells_what_failed_and_why(service: RunningService, job_id: str) -> None:
    text = page(service, f"/jobs/{job_id}")
    assert "All 3 failed" in text
    assert "Retry 3 failed" in text
    assert text.count('<a class="tile"') == 3
    assert page(service, f"/jobs/{job_id}?store={KIOSK}").count('<a class="tile"') == 2
    assert page(service, f"/jobs/{job_id}?cause=timeout").count('<a class="tile"') == 0
    assert "Clear the filters" in page(service, f"/jobs/{job_id}?flag=blurred")
    assert KIOSK in page(service, f"/jobs/{job_id}/stores")
    assert job_id in page(service, f"/jobs/{job_id}/about")


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/{}", "/jobs/{}/stores", "/jobs/{}/about"])
def test_texts_of_clients_are_texts(service: RunningService, job_id: str, path: str) -> None:
    text = page(service, path.format(job_id))
    assert "<script>alert" not in text
    assert HOSTILE in unescape(text)


def test_jobs_are_listed_by_state_and_name_and_go_on(service: RunningService, job_id: str) -> None:
    assert job_id in page(service, "/jobs?state=failed")
    assert job_id not in page(service, "/jobs?state=cancelled")
    assert "Clear the filters" in page(service, "/jobs?q=no-such-name")
    assert "All" in page(service, "/jobs?state=nonsense&after=nonsense")


def test_an_error_is_a_page_that_says_what_is_wrong(service: RunningService) -> None:
    for path in ("/jobs/nonsense", f"/jobs/{NO_JOB}", f"/jobs/{NO_JOB}/stores", "/assets/none.css"):
        answer = service.http.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        check(answer)
        assert "There is no" in answer.text


def test_a_job_is_retried_and_deleted_by_its_forms(service: RunningService) -> None:
    job_id = service.http.post("/api/v1/jobs", json=body(visit())).json()["job_id"]
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{job_id}").json()["finished_at"])
    answer = service.http.post(f"/jobs/{job_id}/retry", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{job_id}?done=retry")
    assert 'role="status"' in page(service, answer.headers["location"])
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{job_id}").json()["retries"] == 1)
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{job_id}").json()["finished_at"])
    answer = service.http.post(f"/jobs/{job_id}/cancel", data={})
    assert answer.status_code == 409
    check(answer)
    assert service.http.post(f"/jobs/{job_id}/explode", data={}).status_code == 404
    answer = service.http.post(f"/jobs/{job_id}/delete", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/delete?job={job_id}")
    assert service.http.get(f"/jobs/{job_id}").status_code == 200


def test_a_page_of_another_site_changes_nothing(service: RunningService, job_id: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert service.http.post(f"/jobs/{job_id}/retry", data={}, headers=headers).status_code == 403
    assert service.http.get(f"/api/v1/jobs/{job_id}").json()["retries"] == 0


def test_stores_are_found_and_show_their_visits(service: RunningService, job_id: str) -> None:
    assert "Station Kiosk" in page(service, "/stores")
    found = page(service, "/stores?q=kiosk")
    assert "Station Kiosk" in found
    assert "Market Hall" not in found
    assert "Market Hall" in page(service, "/stores?area=7100015")
    assert "Clear the filters" in page(service, "/stores?area=nowhere&after=nonsense")
    assert "7100016" in page(service, "/areas")
    assert f"/jobs/{job_id}?store={KIOSK}" in page(service, f"/store?id={KIOSK}&since=ever")
    assert service.http.get("/store?id=none").status_code == 404


def test_a_list_goes_on_where_its_page_ended() -> None:
    for place in (
        (datetime(2026, 11, 20, tzinfo=UTC), UUID(NO_JOB)),
        StoreCursor(part=Part.NAME, key="kiosk", store_id="\u00fc/?&"),
        VisitCursor(store_id="a", visited_at=None, job_id=UUID(NO_JOB), visit_no=3),
    ):
        kind = {tuple: "job", StoreCursor: "store", VisitCursor: "visit"}[type(place)]
        text = getattr(places, f"write_{kind}_place")(place)
        assert getattr(places, f"read_{kind}_place")(text) == place
        beyond = text.replace(",3]", ",99999999999]")
        bad = ("", "nonsense", "[]", "null", text[:-3], '["2026-11-20T10:00:00", "x"]', "\ud800")
        for wrong in (*bad, *([beyond] if beyond != text else [])):
            assert getattr(places, f"read_{kind}_place")(wrong) is None


def test_the_parts_of_the_system_are_shown(service: RunningService) -> None:
    assert "alive" in page(service, "/system")
    page(service, "/system/hosts")
    assert "No key was ever made" in page(service, "/system/keys")


def test_files_are_kept_by_browsers_while_they_are_the_same(service: RunningService) -> None:
    text = page(service, "/")
    addresses = set(re.findall(r'"(/assets/[^"]+)"', text))
    assert len(addresses) == 5
    sizes = []
    for address in addresses:
        answer = service.http.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert service.http.get(address.partition("?")[0]).headers["cache-control"] == "no-cache"
        sizes.append(answer.num_bytes_downloaded)
    first = service.http.get("/")
    assert (
        first.num_bytes_downloaded + sum(sizes) < 50_000
    )  # as compressed, with all that a first paint needs
