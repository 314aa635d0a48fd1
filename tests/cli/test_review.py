"""`retailpulse review`: the queue as a table, a decision as it is sent, its history, and errors."""

import json
from typing import Any

import pytest

from tests.canned import JOB_ID, CannedService, as_json
from tests.cli.conftest import Run

QUEUE = "GET /api/v1/review"
OF_PHOTO = f"/api/v1/jobs/{JOB_ID}/images/7/review"


def photo(**changes: Any) -> dict[str, Any]:
    """A flagged photo as the service answers it."""
    return {
        "job_id": JOB_ID,
        "image_no": 7,
        "store_id": "RP00001",
        "visit_time": "2026-11-20",
        "image_url": "http://a/7.jpg",
        "flags": ["blank"],
        "revision": 2,
        "history": [],
    } | changes


def test_without_a_photo_it_lists_what_waits(run: Run, canned: CannedService) -> None:
    canned.on(QUEUE, as_json({"items": [photo()], "next": None, "left": 1, "counted_all": True}))
    header, row = run(
        "review", "--flag", "blank", "--area", "7100015", "--since", "2026-11-20", "--day", "2026-11-21"
    ).stdout.splitlines()
    titles = "JOB IMAGE STORE VISIT FLAGS REVIEW BY MATCHED WITH URL"
    assert header.split() == titles.split()
    assert row.split() == [JOB_ID, "7", "RP00001", "2026-11-20", "blank", "-", "-", "-", "http://a/7.jpg"]
    assert canned.asked[-1].query == "flag=blank&area=7100015&since=2026-11-20&day=2026-11-21&limit=1000"


def test_a_copy_is_shown_with_its_match(run: Run, canned: CannedService) -> None:
    match = {
        "job_id": JOB_ID,
        "image_no": 3,
        "store_id": "RP00002",
        "visit_time": "2026-11-13",
        "kind": "copy",
        "relation": "other_store",
        "distance": 9,
    }
    copy = photo(flags=["copy"], matched=match)
    canned.on(QUEUE, as_json({"items": [copy], "next": None, "left": 1, "counted_all": True}))
    canned.on(f"GET {OF_PHOTO}", as_json(copy))
    assert f"{JOB_ID}:3 copy other_store 9" in run("review").stdout
    shown = " ".join(run("review", JOB_ID, "7").stdout.split())
    assert f"matched with {JOB_ID}:3 copy, other_store, 9 of 256 bits differ; store RP00002" in shown
    assert "visit 2026-11-13" in shown


@pytest.mark.parametrize(
    ("words", "left", "text"),
    [
        ([], (962, True), "962 wait: --limit"),
        ([], (1000, False), "more than 1,000 wait: --limit"),
        (["--flag", "dark"], (0, False), "more than 1 wait"),
        (["--decision", "rejected"], (2, True), "2 are rejected"),
    ],
)
def test_a_cut_list_says_how_many_there_are(
    run: Run, canned: CannedService, words: list[str], left: tuple[int, bool], text: str
) -> None:
    page = {"items": [photo(), photo()], "next": None, "left": left[0], "counted_all": left[1]}
    canned.on(QUEUE, as_json(page))
    assert text in run("review", "--limit", "1", *words).stderr
    assert canned.asked[-1].query.endswith("limit=1")


def test_a_decision_is_sent_and_answered_with_its_history(run: Run, canned: CannedService) -> None:
    entry = {
        "revision": 1,
        "decision": "flag_wrong",
        "by": "anna",
        "at": "2026-11-21T09:12:40Z",
        "reason": "a shelf",
    }
    canned.on(f"PUT {OF_PHOTO}", as_json(photo(review="flag_wrong", history=[entry])))
    words = [
        "review",
        JOB_ID,
        "7",
        "flag-wrong",
        "--pair",
        f"{JOB_ID}:9",
        "--reason",
        "a shelf",
        "--by",
        "anna",
    ]
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert json.loads(canned.asked[-1].body) == {
        "decision": "flag_wrong",
        "reason": "a shelf",
        "pair": {"job_id": JOB_ID, "image_no": 9},
        "by": "anna",
    }
    for text in ("flag_wrong", "anna", "2026-11-21T09:12:40Z", "a shelf"):
        assert text in result.stdout


def test_replacing_names_the_revision_that_was_read(run: Run, canned: CannedService) -> None:
    canned.on(f"GET {OF_PHOTO}", as_json(photo()))
    canned.on(f"PUT {OF_PHOTO}", as_json(photo(review="accepted")))
    canned.on(f"DELETE {OF_PHOTO}", as_json(photo()))
    assert run("review", JOB_ID, "7", "accept", "--replace").exit_code == 0
    assert json.loads(canned.asked[-1].body) == {"decision": "accepted", "revision": 2}
    assert run("review", JOB_ID, "7", "--undo", "--replace", "--by", "anna").exit_code == 0
    assert canned.asked[-1].query == "by=anna&revision=2"
    assert run("review", JOB_ID, "7", "--undo").exit_code == 0
    assert canned.asked[-1].query == ""
    assert json.loads(run("review", JOB_ID, "7", "--json").stdout)["revision"] == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--undo"], "name its JOB and IMAGE"),
        ([JOB_ID], "Missing argument 'IMAGE'"),
        ([JOB_ID, "7", "--reason", "x"], "Missing argument 'DECISION': accept, reject, flag-wrong"),
        ([JOB_ID, "7", "maybe"], "is not one of"),
        ([JOB_ID, "7", "accept", "--undo"], "--undo stands without a DECISION"),
        ([JOB_ID, "7", "flag-wrong", "--flag", "dark", "--flag", "soft"], "about one flag"),
        ([JOB_ID, "7", "flag-wrong", "--pair", "9"], "is not like"),
    ],
)
def test_what_is_asked_wrongly_is_said_before_any_request(
    run: Run, canned: CannedService, words: list[str], text: str
) -> None:
    result = run("review", *words)
    assert (result.exit_code, canned.asked) == (2, [])
    assert text in " ".join(result.output.replace("│", " ").split())


def test_a_conflict_with_another_person_says_how_to_go_on(run: Run, canned: CannedService) -> None:
    said = "anna has decided rejected: to replace that, name the revision 1"
    refusal = {"type": "/problems/conflict", "title": "Conflict", "status": 409, "detail": said}
    canned.on(f"PUT {OF_PHOTO}", as_json(refusal, 409))
    result = run("review", JOB_ID, "7", "accept")
    assert result.exit_code == 1
    said = " ".join(result.output.replace("│", " ").split())
    assert "anna has decided rejected; nothing was changed, and --replace decides it all the same" in said


def test_a_refused_undo_says_that_nothing_was_undone(run: Run, canned: CannedService) -> None:
    said = "anna has decided rejected: to undo that, name the revision 1"
    refusal = {"type": "/problems/conflict", "title": "Conflict", "status": 409, "detail": said}
    canned.on(f"DELETE {OF_PHOTO}", as_json(refusal, 409))
    result = run("review", JOB_ID, "7", "--undo")
    assert result.exit_code == 1
    assert "nothing was undone, and --replace undoes it all the same" in " ".join(
        result.output.replace("│", " ").split()
    )
