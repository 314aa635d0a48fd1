"""A job in the dashboard: sets of its photos, its stores, callbacks and files; how jobs are deleted."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest

from tests.api.jobs import KIOSK, NO_JOB, NOWHERE, body, new_area, visit
from tests.dashboard.conftest import Reused
from tests.dashboard.test_pages import check, page
from tests.running import RunningService, wait_for

CURL = re.compile(r'id="curl">([^<]+)<')


def made(service: RunningService, **options: object) -> str:
    """A job with two kinds of failures at two stores, which has ended."""
    sent = {"visits": [visit(KIOSK, NOWHERE, NOWHERE, "none"), visit("nobody", NOWHERE)], **options}
    job_id = str(service.http.post("/api/v1/jobs", json=sent).json()["job_id"])
    service.finished(job_id)
    return job_id


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    return made(service, name="two kinds", labels={"region": "north & south"})


def test_a_job_of_which_all_failed_counts_by_cause(service: RunningService, job_id: str) -> None:
    text = page(service, f"/jobs/{job_id}")
    assert "All 4 failed" in text
    causes = service.http.get(f"/api/v1/jobs/{job_id}").json()["causes"]
    for cause, number in causes.items():
        found = page(service, f"/jobs/{job_id}?cause={cause}")
        assert found.count('<a class="tile"') == number
        assert f"Retry these {number}" in found
    assert "Retry these 4" in page(service, f"/jobs/{job_id}?only=failed")
    assert "Retry these" not in page(service, f"/jobs/{job_id}?store={KIOSK}&only=failed")
    assert "Retry these" not in text


def test_a_set_is_retried_and_its_filter_stays(service: RunningService) -> None:
    job_id = made(service)
    before = service.http.get(f"/api/v1/jobs/{job_id}").json()["causes"]
    assert before["store_id_not_found"] == 1
    answer = service.http.post(f"/jobs/{job_id}/retry?cause=store_id_not_found", data={})
    assert answer.headers["location"] == f"/jobs/{job_id}?cause=store_id_not_found&done=retry"
    wait_for(lambda: service.http.get(f"/api/v1/jobs/{job_id}").json()["finished_at"])
    rows = service.http.get(f"/api/v1/jobs/{job_id}/results?include=earlier").json()["items"]
    assert [len(row["earlier"]) for row in rows] == [0, 0, 0, 1]
    assert 'role="status"' in page(service, answer.headers["location"])


def test_what_is_shown_is_had_as_a_file_and_by_curl(service: RunningService, job_id: str) -> None:
    for query, rows in (("", 4), ("?cause=store_id_not_found", 1), (f"?store={KIOSK}", 3), ("?flag=dark", 0)):
        text = page(service, f"/jobs/{job_id}{query}")
        address = unescape(CURL.findall(text)[0]).split("'")[1]
        assert len(service.http.get(address).text.splitlines()) == rows + 1, address
        links = [
            unescape(link) for link in re.findall(r'href="(/api/v1/jobs/[^"]+format=ndjson[^"]*)"', text)
        ]
        counts = [len(service.http.get(link).text.splitlines()) for link in links]
        assert counts == ([rows, 4] if query else [4])


def test_the_stores_of_a_job_are_sorted_searched_and_lead_to_their_photos(
    service: RunningService, job_id: str
) -> None:
    path = f"/jobs/{job_id}/stores"
    text = page(service, path)
    assert text.index(KIOSK) < text.index("nobody")
    assert f"/jobs/{job_id}?store={KIOSK}&amp;only=failed" in text
    assert 'aria-sort="descending"' in page(service, f"{path}?sort=failed")
    assert 'aria-sort="ascending"' in page(service, f"{path}?sort=store")
    assert "No such store" in page(service, f"{path}?sort=flagged")
    assert "nobody" not in page(service, f"{path}?q={KIOSK[:3]}")
    assert "nobody" in page(service, f"{path}?q=NOB")
    assert "Clear the filters" in page(service, f"{path}?q=zzz&after=nonsense")
    assert page(service, f"/jobs/{job_id}?store=nobody&only=failed").count('<a class="tile"') == 1


def test_stores_with_flagged_photos_come_first_where_they_are_asked_for(
    service: RunningService, reused: Reused
) -> None:
    text = page(service, f"/jobs/{reused.job_id}/stores?sort=flagged")
    assert reused.second_store in text
    assert f"/jobs/{reused.job_id}?store={reused.first_store}" not in text


def test_one_decision_is_made_on_all_photos_with_a_flag(
    service: RunningService, hand_in: Callable[[], Reused]
) -> None:
    job_id = hand_in().job_id
    shown = page(service, f"/jobs/{job_id}?flag=copy")
    assert f"/review/set?job={job_id}&amp;flag=copy" in shown
    path = f"/review/set?job={job_id}&flag=copy"
    assert "Reject 2" in page(service, path)
    assert service.http.get(f"/review/set?job={job_id}&flag=none").status_code == 400
    assert service.http.post(path, data={"decision": "perhaps"}).status_code == 400
    answer = service.http.post(path, data={"decision": "rejected", "reason": "by one press"})
    assert answer.headers["location"] == f"/jobs/{job_id}?flag=copy&decided=2&refused=0"
    said = page(service, answer.headers["location"])
    assert "2 photos are decided on." in said
    assert said.count("Rejected") == 2
    rows = service.http.get(f"/api/v1/jobs/{job_id}/results?review=rejected").json()["items"]
    assert [row["review_reason"] for row in rows] == ["by one press"] * 2
    assert "All of them are decided on" in page(service, path)


def test_photos_that_were_handed_in_again_name_their_later_ones(
    service: RunningService, reused: Reused
) -> None:
    text = page(service, reused.photo(1))
    assert "Handed in again: the same file" in text
    assert "Handed in again: copies" in text
    assert text.count(f'<a class="tile" href="/jobs/{reused.job_id}/photos/') == 2


def test_flagged_photos_of_all_jobs_are_listed(service: RunningService, reused: Reused) -> None:
    here = f"/photos?store={reused.second_store}&flag=copy"
    text = page(service, here)
    assert text.count('<a class="tile"') == 2
    assert page(service, f"/photos?store={reused.first_store}").count('<a class="tile"') == 0
    assert page(service, f"{here}&day=2001-01-01").count('<a class="tile"') == 0
    assert page(service, f"{here}&day=yesterday&after=nonsense").count('<a class="tile"') == 2
    wait_for(lambda: "/photos?flag=copy" in page(service, "/"))  # its numbers are kept for a moment


def test_the_callbacks_of_a_job_tell_how_they_stand(service: RunningService, job_id: str) -> None:
    assert "Nobody is told" in page(service, f"/jobs/{job_id}/callbacks")
    told = made(service, callback_url="https://hooks.invalid/retailpulse")
    text = page(service, f"/jobs/{told}/callbacks")
    assert "https://hooks.invalid/retailpulse" in text
    assert "Pending" in text
    answer = service.http.post(f"/jobs/{told}/redeliver", data={})
    assert answer.headers["location"] == f"/jobs/{told}/callbacks?done=redeliver"
    assert service.http.post(f"/jobs/{job_id}/redeliver", data={}).status_code == 409


def test_a_job_is_deleted_once_its_name_is_typed(service: RunningService) -> None:
    job_id = made(service, name="week  47 <b>")
    assert service.http.post(f"/jobs/{job_id}/delete", data={}).headers["location"].endswith(job_id)
    text = page(service, f"/jobs/delete?job={job_id}")
    assert "week 47 &lt;b&gt;" in text
    for typed in ("", "week", "1"):
        refused = service.http.post("/jobs/delete", data={"jobs": job_id, "typed": typed})
        assert refused.status_code == 400
        check(refused)
        assert "nothing was deleted" in refused.text
    assert service.http.get(f"/jobs/{job_id}").status_code == 200
    answer = service.http.post("/jobs/delete", data={"jobs": job_id, "typed": " week 47  <b> "})
    assert answer.headers["location"] == "/jobs?done=delete"
    assert service.http.get(f"/jobs/{job_id}").status_code == 404


def test_several_jobs_are_chosen_and_deleted_once_their_number_is_typed(service: RunningService) -> None:
    chosen = [made(service, name=f"chosen {number}") for number in range(2)]
    text = page(service, "/jobs?choose=1")
    assert all(f'name="job" value="{job_id}"' in text for job_id in chosen)
    query = "&".join(f"job={job_id}" for job_id in chosen)
    assert "Delete 2 jobs?" in page(service, f"/jobs/delete?{query}")
    data = {"jobs": " ".join(chosen), "typed": "2"}
    assert service.http.post("/jobs/delete", data=data).headers["location"] == "/jobs?done=deleted"
    assert {service.http.get(f"/jobs/{job_id}").status_code for job_id in chosen} == {404}
    assert service.http.get("/jobs/delete").status_code == 400
    assert service.http.get(f"/jobs/delete?job={NO_JOB}").status_code == 404
    assert service.http.post("/jobs/delete", data={"jobs": "x", "typed": "1"}).status_code == 404


def test_jobs_are_found_by_label_and_cause(service: RunningService, job_id: str) -> None:
    assert "/jobs?label=region%3Anorth%20%26%20south" in page(service, f"/jobs/{job_id}")
    assert job_id in page(service, "/jobs?label=region%3Anorth%20%26%20south&cause=bad_url")
    assert job_id not in page(service, "/jobs?label=region:north")
    assert job_id not in page(service, "/jobs?cause=too_large&label=nonsense")


def test_areas_tell_which_stores_were_visited_week_by_week(service: RunningService) -> None:
    area, (first, _) = new_area(service, stores=2)
    text = page(service, f"/area?code={area}")
    assert text.count("of 2</span>") == 12
    assert ">0 <span" in text
    service.finished(
        str(service.http.post("/api/v1/jobs", json=body(visit(first, NOWHERE, at=_today()))).json()["job_id"])
    )
    assert '>1 <span class="muted">of 2' in page(service, f"/area?code={area}")
    listed = page(service, "/areas")
    assert f"/area?code={area}" in listed
    assert "50%" in listed
    assert service.http.get("/area?code=nowhere").status_code == 404


def test_a_store_shows_its_visits_newest_first_with_their_photos(
    service: RunningService, reused: Reused
) -> None:
    text = page(service, f"/store?id={reused.second_store}&since=ever")
    assert text.count('class="small-photo"') == 3
    assert "1 failed" in text
    assert f"/api/v1/jobs/{reused.job_id}/images/2/thumbnail" in text
    assert "Copy" in text
    page(service, f"/store?id={reused.second_store}&since=ever&after=nonsense")


def _today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
