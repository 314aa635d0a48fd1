"""A submit to /api/v1 says all that is wrong with its rows at once, or skips them; dry runs keep nothing."""

import json
from typing import Any

import httpx
import pytest

from tests.api.jobs import CORNER_SHOP, NOWHERE, body, problem, visit
from tests.api.test_rows import CSV, HEADER, NDJSON, accepted, jobs_at, post, visits_of
from tests.running import RunningService

JSON = "application/json"
GOOD = visit(CORNER_SHOP, NOWHERE, at="2026-11-20")


def errors(answer: httpx.Response) -> list[tuple[int | None, str | None]]:
    """Where an answer finds errors: line or visit, and column; each has a reason."""
    told = problem(answer, 400, "invalid-request")
    assert told["error_count"] >= len(told["errors"])
    assert all(error["reason"] for error in told["errors"])
    return [(error["line"] or error["visit"], error["column"]) for error in told["errors"]]


def as_json(*visits: Any, **fields: Any) -> str:
    return json.dumps({"visits": visits, **fields})


def as_lines(*visits: Any) -> str:
    return "\n".join(map(json.dumps, visits))


BAD_VISITS = (
    GOOD | {"store_id": 5},
    GOOD,
    GOOD | {"store_id": " \u200b ", "image_url": []},
    "no object",
    GOOD | {"visit_time": None, "image_url": ["a", "", "b c"]},
    {"image_url": ["a"]},
)
BAD_PLACES = [
    (1, "store_id"), (3, "store_id"), (3, "image_url"), (4, None), (5, "visit_time"), (5, "image_url"),
    (5, "image_url"), (6, "store_id"), (6, "visit_time"),
]  # fmt: skip


@pytest.mark.parametrize("filler", [0, 3_000], ids=["in memory", "in pieces"])
def test_all_that_is_wrong_with_visits_of_json_is_said_at_once(service: RunningService, filler: int) -> None:
    many = [GOOD | {"visit_time": "x" * 400}] * filler  # over a megabyte goes by way of the disk
    answer = post(service, as_json(*BAD_VISITS, *many), JSON)
    assert errors(answer) == BAD_PLACES
    told = answer.json()
    assert told["error_count"] == len(BAD_PLACES)
    assert told["detail"].startswith(
        "visits[0].store_id (visit 1): Expected a string, got a whole number; and"
    )
    assert {error["line"] for error in told["errors"]} == {None}


def test_all_that_is_wrong_with_lines_is_said_at_once(service: RunningService) -> None:
    answer = post(service, as_lines(*BAD_VISITS[:2], *BAD_VISITS[2:]) + "\n{", NDJSON)
    assert errors(answer) == [*BAD_PLACES, (7, None)]
    assert {error["visit"] for error in answer.json()["errors"]} == {None}


def test_all_that_is_wrong_with_a_table_is_said_at_once(service: RunningService) -> None:
    rows = f",{NOWHERE},noon\nS,{NOWHERE},noon\nS,,noon\nS,a\x01b,\n"
    assert errors(post(service, HEADER + rows)) == [
        (2, "store_id"), (4, "image_url"), (5, "visit_time"), (5, "image_url"),
    ]  # fmt: skip


def test_a_table_that_begins_with_a_photo_of_no_visit_is_refused(service: RunningService) -> None:
    assert errors(post(service, f"{HEADER},http://{NOWHERE},\nS,http://{NOWHERE},noon\n")) == [
        (2, "store_id"), (2, "visit_time"),
    ]  # fmt: skip


def test_a_hundred_errors_are_listed_and_all_are_counted(service: RunningService) -> None:
    answer = post(service, HEADER + "S,,noon\n" * 250)
    assert len(errors(answer)) == 100
    assert answer.json()["error_count"] == 250
    assert answer.json()["detail"].endswith("; and 249 more errors")
    assert jobs_at(service, "noon, never") == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://a.example/my photo.jpg", "write %20"),
        ("https://a.example/a.jpg\nhttps://a.example/b.jpg", "U+000A"),
        ("https://a.example/a\u200b.jpg", "U+200B"),
        ("https://a.example/a\u00a0.jpg", "U+00A0"),
        ("https://a.example/a\x7f.jpg", "U+007F"),
        ("https://a.example/a\u2028.jpg", "U+2028"),
    ],
)
def test_a_url_that_nobody_meant_is_refused(service: RunningService, url: str, says: str) -> None:
    for answer in (
        post(service, as_json(visit("S", url)), JSON),
        post(service, as_lines(visit("S", url)), NDJSON),
    ):
        assert says in problem(answer, 400, "invalid-request")["errors"][0]["reason"]
    assert service.submit([visit("S", url)])  # the old endpoint accepts any text


@pytest.mark.parametrize(
    "store_id",
    [f" {CORNER_SHOP}\t", f"\u00a0{CORNER_SHOP}", f"{CORNER_SHOP[:3]}\u200b{CORNER_SHOP[3:]}\ufeff"],
)
def test_an_id_is_the_same_in_every_format(service: RunningService, store_id: str) -> None:
    found = visit(store_id, NOWHERE)
    jobs = [
        accepted(post(service, as_json(found), JSON)),
        accepted(post(service, as_lines(found), NDJSON)),
        accepted(post(service, f'{HEADER}"{store_id}",{NOWHERE},noon\n')),
        service.submit([found]),
    ]
    for job_id in jobs:
        service.finished(job_id)
        (result,) = service.results(job_id)
        assert (result["store_id"], result["cause"]) == (CORNER_SHOP, "bad_url")


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        (as_json(*BAD_VISITS, count=len(BAD_VISITS)), JSON),
        (as_json(*BAD_VISITS, GOOD | {"image_url": ["u" * 1_100_000]}), JSON),
        (as_lines(*BAD_VISITS), NDJSON),
    ],
)
def test_bad_rows_are_left_out_if_so_asked(service: RunningService, text: str, media_type: str) -> None:
    answer = post(service, text, media_type, on_bad_row="skip")
    good = 2 if "uuuu" in text else 1
    assert len(visits_of(service, accepted(answer))) == good
    told = answer.json()
    assert [(one["line"] or one["visit"], one["column"]) for one in told["skipped"]] == BAD_PLACES
    assert (told["skipped_count"], told["images"]["total"]) == (5, good)


def test_a_bad_row_of_a_table_takes_no_other_with_it(service: RunningService) -> None:
    rows = "S,u1,noon\nS,,noon\nS,u2,noon\nS,u 3,noon\n"
    answer = post(service, HEADER + rows, on_bad_row="skip")
    assert visits_of(service, accepted(answer)) == [("S", "noon", ["u1", "u2"])]
    assert [one["line"] for one in answer.json()["skipped"]] == [3, 5]


def test_a_submit_without_a_good_row_is_refused(service: RunningService) -> None:
    assert errors(post(service, HEADER + "S,,noon\n", on_bad_row="skip")) == [(2, "image_url")]


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_dry_run_says_what_would_be_and_keeps_nothing(service: RunningService, in_pieces: bool) -> None:
    at = f"dry, in pieces {in_pieces}"
    many = ["https://photos.example/1.jpg", "https://photos.example/2.jpg", "http://other.example/3.jpg"]
    good = [visit(CORNER_SHOP, *many, at=at), visit("nobody's", NOWHERE, at=at)]
    text = as_json(*good, visit("", "b c", at=at), labels={"a": ""}) + " " * (2_000_000 * in_pieces)
    answer = post(service, text, JSON, {"Idempotency-Key": at}, dry_run="true")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["visits"], told["images"]) == (2, 4)
    assert told["stores_unknown"] == {"count": 1, "examples": ["nobody's"]}
    assert [(host["origin"], host["images"]) for host in told["hosts"]] == [
        ("https://photos.example:443", 2), ("http://other.example:80", 1), ("(none)", 1),
    ]  # fmt: skip
    assert [(one["visit"], one["column"]) for one in told["errors"]] == [(3, "store_id"), (3, "image_url")]
    assert {one["code"]: one["count"] for one in told["warnings"]} == {
        "visit_time_unreadable": 2,
        "store_not_found": 1,
        "bad_url": 1,
    }
    assert jobs_at(service, at) == 0
    # Nor is the key used up.
    assert post(service, as_json(visit(at=at)), JSON, {"Idempotency-Key": at}).status_code == 201


def test_a_dry_run_of_what_is_no_json_is_refused(service: RunningService) -> None:
    problem(post(service, "{", JSON, dry_run="true"), 400, "invalid-request")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"prioritty": "1"}, "prioritty: unknown parameter; did you mean priority?"),
        ({"dryrun": "1"}, "dryrun: unknown parameter; did you mean dry_run?"),
        ({"zzz": "1"}, "zzz: unknown parameter; there are"),
        ({"dry_run": "maybe"}, "dry_run: 'maybe' is neither true nor false"),
        ({"dry_run": ["true", "true"]}, "dry_run: it is there more than once"),
        ({"on_bad_row": "keep"}, "on_bad_row: 'keep' is none of refuse, skip"),
    ],
)
def test_an_unknown_parameter_is_refused(service: RunningService, query: dict[str, Any], says: str) -> None:
    for text, media_type in ((HEADER + "S,u,noon\n", CSV), (as_json(GOOD), JSON)):
        assert says in problem(post(service, text, media_type, **query), 400, "invalid-request")["detail"]


def test_an_unknown_field_is_refused_with_what_may_be_meant(service: RunningService) -> None:
    answer = post(service, as_json(GOOD, prioritty=1, Name="x"), JSON)
    assert errors(answer) == [(None, "prioritty"), (None, "Name")]
    assert answer.json()["detail"] == (
        "prioritty: unknown field; did you mean priority?; Name: unknown field; did you mean name?"
    )
    answer = post(service, as_json(GOOD, GOOD | {"store": "x"}), JSON)
    assert errors(answer) == [(2, "store")]
    assert "did you mean store_id?" in answer.json()["detail"]
    assert service.http.post("/api/submit", json=body(GOOD | {"store": "x"}, other=1)).status_code == 201


def test_the_answer_is_the_job_with_its_warnings(service: RunningService) -> None:
    visits = (
        visit("S", NOWHERE, at="noon"),
        visit("S", NOWHERE, at="2026-11-20"),
        visit("S", NOWHERE, at="one"),
    )
    told = post(service, as_json(*visits, name="week 47"), JSON).json()
    assert (told["name"], told["images"]["total"], told["visits_without_time"]) == ("week 47", 3, 2)
    (urls, times, stores) = told["warnings"]
    assert (urls["code"], urls["count"], urls["example"], urls["visit"]) == ("bad_url", 3, NOWHERE, 1)
    assert (times["code"], times["count"], times["example"], times["visit"]) == (
        "visit_time_unreadable", 2, "noon", 1,
    )  # fmt: skip
    assert (stores["code"], stores["count"], stores["example"]) == ("store_not_found", 3, "S")
    assert told["skipped"] == []
    job = service.job(told["job_id"])
    assert job["visits_without_time"] == 2
    assert set(told) == {*job, "warnings", "skipped", "skipped_count", "read_as"}
    assert service.job(service.submit(list(visits)))["visits_without_time"] == 2
    answer = post(service, HEADER + "".join(f"S,{NOWHERE},{one['visit_time']}\n" for one in visits))
    assert service.job(accepted(answer))["visits_without_time"] == 2
    assert answer.json()["warnings"][0]["line"] == 2
    assert answer.json()["read_as"] == "CSV, separator comma, UTF-8"
