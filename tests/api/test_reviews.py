"""Reviews over HTTP: a photo decided on and undone, by whom, with which key, many at once, and refusals."""

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import new_job_id
from retailpulse.storage.postgres.database import Database
from tests.api.guarded import bearer, make_key
from tests.api.jobs import RunningApi, problem
from tests.running import wait_for
from tests.storage.reviews.photos import copied_photo, flagged_job

BLANK = [Flag.BLANK]
NAMES = ["review", "reviewed_by", "reviewed_at", "review_reason"]


def flagged(url: str, *flags: Sequence[Flag]) -> str:
    """A job of measured photos with these flags, in the database of an API."""

    async def run() -> str:
        async with Database(url, DatabaseSettings(), pool_size=1) as database:
            return str(await flagged_job(database, *flags))

    return asyncio.run(run())


def copied(url: str) -> tuple[str, str]:
    """The jobs of a photo and of a copy of it, in the database of an API."""

    async def run() -> tuple[str, str]:
        async with Database(url, DatabaseSettings(), pool_size=1) as database:
            earlier, later = await copied_photo(database)
            return str(earlier), str(later)

    return asyncio.run(run())


def path_of(job_id: str, image_no: int = 1) -> str:
    """Where a photo is reviewed."""
    return f"/api/v1/jobs/{job_id}/images/{image_no}/review"


def queue(api: RunningApi, **asked: Any) -> list[tuple[int, str | None]]:
    """The photos of a page of the queue, each with what was decided on it."""
    answer = api.http.get("/api/v1/review", params=asked)
    assert answer.status_code == 200, answer.text
    return [(photo["image_no"], photo["review"]) for photo in answer.json()["items"]]


def test_a_photo_is_decided_on_and_undone_and_the_queue_follows(idle: RunningApi, database_url: str) -> None:
    job_id = flagged(database_url, BLANK, BLANK, [Flag.DARK])
    assert queue(idle) == [(1, None), (2, None)]
    assert queue(idle, flag="dark") == [(3, None)]
    said = {"decision": "rejected", "reason": " a wall ", "by": "ben"}
    for _ in range(2):
        state = idle.http.put(path_of(job_id), json=said).json()
        assert [state[name] for name in ("review", "reviewed_by", "review_reason")] == [
            "rejected",
            "ben",
            "a wall",
        ]
        assert (state["revision"], len(state["history"])) == (1, 1)
    assert queue(idle) == [(2, None)]
    assert queue(idle, decision="rejected", since="2026-01-01") == [(1, "rejected")]
    assert queue(idle, since="2100-01-01") == []
    other = idle.http.put(path_of(job_id), json={"decision": "accepted"})
    assert "ben has decided rejected" in problem(other, 409, "conflict")["detail"]
    state = idle.http.put(path_of(job_id), json={"decision": "accepted", "revision": 1}).json()
    assert (state["review"], state["reviewed_by"]) == ("accepted", "local")
    state = idle.http.delete(path_of(job_id), params={"revision": 2, "by": "carl"}).json()
    assert (state["review"], state["reviewed_by"], state["history"][-1]["by"]) == ("rejected", "ben", "carl")
    assert idle.http.get(path_of(job_id)).json() == state

    first = idle.http.get("/api/v1/review", params={"flag": ["blank", "dark"], "limit": 1}).json()
    assert (first["left"], first["counted_all"], len(first["items"])) == (2, True, 1)
    second = idle.http.get(first["next"]).json()
    assert [photo["image_no"] for photo in second["items"]] == [3]

    rows = idle.http.get(f"/api/v1/jobs/{job_id}/results", params={"review": "rejected"}).json()["items"]
    assert [[row[name].rstrip("Z")[:23] for name in NAMES] for row in rows] == [
        [state[name].rstrip("Z")[:23] for name in NAMES]  # results have milliseconds
    ]
    for name in ("csv", "xlsx", "parquet", "ndjson"):
        exported = idle.http.get(f"/api/v1/jobs/{job_id}/results", params={"format": name})
        assert exported.status_code == 200
        if name == "csv":
            assert list(next(iter(csv.DictReader(io.StringIO(exported.text)))))[-4:] == NAMES
    report = idle.http.get("/api/v1/reports/stores", params={"format": "csv"}).text
    assert [row["rejected"] for row in csv.DictReader(io.StringIO(report))] == ["1", "0"]


def test_the_queue_is_asked_for_by_day(idle: RunningApi, database_url: str) -> None:
    job_id = flagged(database_url, BLANK, BLANK)
    decided = {"decision": "rejected", "by": "anna"}
    assert idle.http.put(path_of(job_id, 2), json=decided).status_code == 200
    now = datetime.now(UTC)
    days = [now - timedelta(days=1), now]  # midnight may be between the results and now
    for state, photo in (("undecided", (1, None)), ("rejected", (2, "rejected"))):
        found = [queue(idle, decision=state, day=f"{day:%Y-%m-%d}") for day in days]
        assert found[0] + found[1] == [photo]
        assert queue(idle, decision=state, day="2020-01-01") == []
    answer = idle.http.get("/api/v1/review", params={"day": "today"})
    assert problem(answer, 400, "invalid-request")["detail"] == "day: 'today' is no day: write 2026-11-20"


def test_what_cannot_be_read_or_is_not_there_is_refused(idle: RunningApi, database_url: str) -> None:
    job_id = flagged(database_url, BLANK)
    for body, text in (
        ({}, "decision"),
        ({"decision": "maybe"}, "write accepted, rejected, flag_wrong"),
        ({"decision": "accepted", "flag": "ugly"}, "write blurred, soft"),
        ({"decision": "accepted", "note": 1}, "note: unknown field"),
        ({"decision": "accepted", "reason": "x" * 1001}, "reason"),
        ({"decision": "accepted", "by": " "}, "by: a name has 1 to 200"),
        ({"decision": "accepted", "by": "x" * 201}, "by: a name has"),
        ({"decision": "accepted", "by": "a\0"}, "by: it holds a NUL"),
        ({"decision": "accepted", "revision": -1}, "revision"),
        ({"decision": "flag_wrong", "pair": {"job_id": job_id, "image_no": 1}}, "the photo itself"),
    ):
        answer = idle.http.put(path_of(job_id), json=body)
        assert text in problem(answer, 400, "invalid-request")["detail"]
    for path in (path_of(job_id, 2), path_of(str(new_job_id())), path_of(job_id, 0), path_of(job_id, 2**31)):
        for answer in (idle.http.get(path), idle.http.put(path, json={"decision": "accepted"})):
            problem(answer, 404, "not-found")
    problem(idle.http.put(path_of(job_id), json={"decision": "flag_wrong", "flag": "dark"}), 409, "conflict")
    said = [{"job_id": job_id, "image_no": number, "decision": "accepted"} for number in (1, 2)]
    answer = idle.http.post("/api/v1/review", json={"decisions": said})
    assert [item["status"] for item in answer.json()["items"]] == [200, 404]
    malformed = [
        {"job_id": job_id, "image_no": 1, "decision": "maybe"},
        {"job_id": "none", "image_no": 2, "decision": "accepted", "note": 1},
        ["accepted"],
    ]
    answers = idle.http.post("/api/v1/review", json={"decisions": [*malformed, *said]}).json()["items"]
    assert [(item["job_id"], item["image_no"], item["status"]) for item in answers] == [
        (job_id, 1, 400),
        (None, 2, 400),
        (None, None, 400),
        (job_id, 1, 200),
        (job_id, 2, 404),
    ]
    assert "decision: " in answers[0]["detail"]
    assert "write accepted, rejected, flag_wrong" in answers[0]["detail"]
    too_many = idle.http.post("/api/v1/review", json={"decisions": said[:1] * 1001})
    problem(too_many, 400, "invalid-request")


def test_a_copy_names_its_match_and_is_told_apart_from_it(idle: RunningApi, database_url: str) -> None:
    earlier, later = copied(database_url)
    items = idle.http.get("/api/v1/review").json()["items"]
    state = idle.http.get(path_of(later)).json()
    assert [items[0]["matched"]] == [state["matched"]]
    assert (state["matched"]["job_id"], state["matched"]["kind"]) == (earlier, "copy")
    rejected = {"decision": "rejected", "pair": {"job_id": earlier, "image_no": 1}}
    problem(idle.http.put(path_of(later), json=rejected), 400, "invalid-request")
    of_another = {"decision": "flag_wrong", "pair": {"job_id": flagged(database_url, BLANK), "image_no": 1}}
    refused = problem(idle.http.put(path_of(later), json=of_another), 409, "conflict")
    assert earlier in refused["detail"]
    state = idle.http.put(path_of(later), json={"decision": "flag_wrong"}).json()
    assert state["pair"] == {"job_id": earlier, "image_no": 1}


def test_a_key_decides_under_its_name_and_only_with_the_scope(idle: RunningApi, database_url: str) -> None:
    job_id = flagged(database_url, BLANK)
    keys = {scope: make_key(database_url, scope, name=f"the {scope} key") for scope in Scope}
    wait_for(lambda: idle.http.get(path_of(job_id)).status_code == 401)

    def ask(scope: Scope, method: str, path: str = path_of(job_id), **more: Any) -> httpx.Response:
        return idle.http.request(method, path, headers=bearer(keys[scope]), **more)

    said = {"decision": "rejected"}
    many = {"decisions": [{"job_id": job_id, "image_no": 1, **said}]}
    for scope in (Scope.READ, Scope.SUBMIT):
        assert ask(scope, "PUT", json=said).status_code == 403
        assert ask(scope, "DELETE").status_code == 403
        for path in ("/api/v1/review", "/api/v1/review/", "//api//v1/review"):
            assert ask(scope, "POST", path, json=many).status_code in {403, 404}
    assert ask(Scope.REVIEW, "GET").status_code == 403
    assert ask(Scope.REVIEW, "POST", "/api/submit", json={}).status_code == 403
    assert ask(Scope.READ, "GET").json()["history"] == []
    assert ask(Scope.REVIEW, "PUT", json=said).json()["reviewed_by"] == "the review key"
    named = ask(Scope.ADMIN, "PUT", json={"decision": "accepted", "by": "ben"})
    assert "told by the API key" in problem(named, 400, "invalid-request")["detail"]
    assert ask(Scope.ADMIN, "DELETE").status_code == 409  # another key's decision
    assert ask(Scope.ADMIN, "DELETE", params={"revision": 1}).json()["history"][-1]["by"] == "the admin key"
