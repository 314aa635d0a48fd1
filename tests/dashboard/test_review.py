"""Review by forms alone: a decision, its undo, the next photo, and what two people at once are text_of."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.dashboard.conftest import Reused
from tests.dashboard.test_pages import Elements, check, page
from tests.dashboard.test_photo import text_of
from tests.running import RunningService, wait_for


def hidden(text: str) -> dict[str, str]:
    """What the form of a decision sends beside the decision."""
    inputs = [one for tag, one in Elements(text).found if tag == "input" and one.get("type") == "hidden"]
    return {one["name"]: one["value"] for one in inputs}


def state(service: RunningService, reused: Reused, number: int) -> dict[str, Any]:
    """What was decided on a photo, by the API."""
    return dict(service.http.get(f"/api/v1/jobs/{reused.job_id}/images/{number}/review").json())


def decide(service: RunningService, reused: Reused, decision: str, sent: dict[str, str]) -> httpx.Response:
    """Sends the form of a decision."""
    path = f"/review?store={reused.second_store}"
    return service.http.post(path, data={**sent, "decision": decision})


def test_photos_are_decided_on_one_after_the_other(
    service: RunningService, hand_in: Callable[[], Reused]
) -> None:
    reused = hand_in()
    text = page(service, reused.queue)
    assert "1 of 2 left" in text_of(text)
    assert "Skip" in text
    sent = hidden(text)
    assert sent["photo"] == f"{reused.job_id}.2"
    answer = decide(service, reused, "rejected", {**sent, "reason": " a wall "})
    assert answer.status_code == 303
    known = state(service, reused, 2)
    assert [known[name] for name in ("review", "review_reason", "reviewed_by")] == [
        "rejected",
        "a wall",
        "local",
    ]
    text = page(service, answer.headers["location"])
    assert 'role="status"' in text
    assert "1 of 1 left" in text_of(text)
    assert f"{reused.job_id}.3" in text
    undo = {name: value for name, value in hidden(text).items() if name == "revision"}
    answer = service.http.post(f"/review/undo?store={reused.second_store}", data={**sent, **undo})
    assert answer.status_code == 303
    assert state(service, reused, 2)["review"] is None
    text = page(service, answer.headers["location"])
    assert f'value="{reused.job_id}.2"' in text
    assert "Undone by local" in text_of(text)


def test_the_queue_is_asked_for_by_day(service: RunningService, reused: Reused) -> None:
    today = datetime.now(UTC).date()
    days = [today, today - timedelta(days=1)]  # midnight may be between the results and now
    texts = [page(service, f"{reused.queue}&day={day}") for day in days]
    assert any("1 of 2 left" in text_of(text) for text in texts)
    assert f"day={today}" in texts[0]
    assert "1 of 2 left" not in text_of(page(service, f"{reused.queue}&day=2020-01-01"))
    assert "1 of 2 left" in text_of(page(service, f"{reused.queue}&day=9999-12-31"))  # is no day: all


def test_the_queue_goes_forth_and_back_and_ends(
    service: RunningService, hand_in: Callable[[], Reused]
) -> None:
    reused = hand_in()
    text = page(service, f"{reused.queue}&at={reused.job_id}.3")
    assert "2 of 2 left" in text_of(text)
    links = {one.get("data-key"): one.get("href", "") for tag, one in Elements(text).found if tag == "a"}
    assert links["ArrowLeft"].endswith(f"at={reused.job_id}.2")
    text = page(service, links["s ArrowRight"])
    assert "2 photos that were skipped still wait" in text_of(text)
    assert "ArrowLeft" not in page(service, reused.queue)
    assert "Clear the filters" in page(service, "/review?store=none")
    assert "Clear the filters" in page(service, f"{reused.queue}&flag=dark")
    for wrong in ("at=nonsense", "flag=nonsense", "area=%00", f"at={reused.job_id}.0", "at=-.1"):
        page(service, f"/review?{wrong}")


def test_a_pair_that_is_no_duplicate_is_matched_no_more(
    service: RunningService, hand_in: Callable[[], Reused]
) -> None:
    reused = hand_in()
    sent = hidden(page(service, f"{reused.queue}&at={reused.job_id}.3"))
    assert sent["pair"] == f"{reused.job_id}.1"
    assert decide(service, reused, "flag_wrong", sent).status_code == 303
    known = state(service, reused, 3)
    assert (known["review"], known["pair"]) == ("flag_wrong", {"job_id": reused.job_id, "image_no": 1})
    assert "Not a duplicate by local" in text_of(page(service, reused.photo(3)))

    def matched() -> dict[int, int]:
        items = service.http.get("/api/v1/matches", params={"job_id": reused.job_id}).json()["items"]
        return {item["photo"]["image_no"]: item["earlier"]["image_no"] for item in items}

    wait_for(lambda: matched().get(3) != 1)


def test_of_two_people_the_later_one_is_told(service: RunningService, hand_in: Callable[[], Reused]) -> None:
    reused = hand_in()
    sent = hidden(page(service, reused.queue))
    assert decide(service, reused, "accepted", sent).status_code == 303
    late = decide(service, reused, "rejected", sent)
    assert "Somebody else has decided" in page(service, late.headers["location"])
    assert state(service, reused, 2)["review"] == "accepted"
    undone = service.http.post("/review/undo", data={"photo": sent["photo"], "revision": "7"})
    assert "done=taken" in undone.headers["location"]


def test_what_is_no_decision_is_refused(service: RunningService, reused: Reused) -> None:
    sent = hidden(page(service, reused.queue))
    for wrong in (
        {"decision": "burned"},
        {"photo": "nonsense"},
        {"reason": "x" * 1_001},
        {"seen": "-1"},
        {"seen": "9" * 20},
    ):
        answer = service.http.post("/review", data={**sent, "decision": "accepted", **wrong})
        assert answer.status_code == 400
        check(answer)
    assert service.http.post("/review/undo", data={}).status_code == 400


def test_every_page_says_how_many_wait(service: RunningService, reused: Reused) -> None:
    assert "photos wait" in page(service, "/review")
    assert "photos wait" not in page(service, "/sign-in")
    assert f"/review?flag=copy&amp;at={reused.job_id}.2" in page(service, reused.photo(2))
    assert 'href="/photos?flag=copy"' in page(service, "/")
    assert 'href="/review?flag=copy"' in page(service, "/photos?flag=copy")
