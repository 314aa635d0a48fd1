"""`retailpulse photos`: flagged photos as a table, as JSON, and as files for spreadsheets."""

import json
from pathlib import Path

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, job
from tests.cli.conftest import Run

PHOTOS = "GET /api/v1/photos"
JOB = "01932c5e-7a00-7000-8000-000000000001"
PHOTO = {
    "job_id": JOB,
    "image_no": 1_204,
    "store_id": "RP00001",
    "visit_time": "2026-11-20",
    "image_url": "https://photos.example/\x1b[2Ja.jpg",
    "outcome": "measured",
    "flags": ["dark", "blank"],
    "area": "7100015",
    "settled_at": "2026-11-20T10:00:07.412Z",
}


def test_photos_are_a_table_of_what_each_is_flagged_for(run: Run, canned: CannedService) -> None:
    canned.on(PHOTOS, as_json({"items": [PHOTO], "next": None}))
    header, line = run("photos").stdout.splitlines()
    assert header.split() == ["SETTLED", "FLAGS", "STORE", "AREA", "VISIT", "TIME", "JOB", "IMAGE", "URL"]
    assert line.split()[:-1] == [
        "2026-11-20T10:00:07Z", "dark,blank", "RP00001", "7100015", "2026-11-20", JOB, "1204",
    ]  # fmt: skip
    assert "\x1b" not in line


def test_its_filters_are_those_of_the_service(run: Run, canned: CannedService) -> None:
    canned.on(PHOTOS, as_json({"items": [PHOTO], "next": None}))
    options = "--flag dark --flag soft --area 7100 --store-id 3 --since 2026-11-20 --until 2026-11-27"
    result = run("photos", *options.split(), "--job-id", JOB, "--json")
    assert json.loads(result.stdout)[0]["flags"] == ["dark", "blank"]
    assert canned.asked[-1].query == (
        f"flag=dark&flag=soft&area=7100&store_id=3&job_id={JOB}&since=2026-11-20&until=2026-11-27&limit=1000"
    )
    assert run("photos", "--since", "7d").exit_code == 0
    assert canned.asked[-1].query.startswith("since=20")


@pytest.mark.parametrize(
    ("option", "value"), [("--flag", "ugly"), ("--since", "soon"), ("-o", "photos.json")]
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    run: Run, canned: CannedService, option: str, value: str
) -> None:
    assert run("photos", option, value).exit_code == 2
    assert canned.asked == []


def test_a_file_has_all_of_it(run: Run, canned: CannedService, tmp_path: Path) -> None:
    canned.on(PHOTOS, Answer(body=b"the file"))
    result = run("photos", "--flag", "dark", "-o", str(tmp_path / "photos.csv"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert canned.asked[-1].query == "flag=dark&format=csv&safe=spreadsheet"
    assert (tmp_path / "photos.csv").read_bytes() == b"the file"


def test_jobs_tell_which_part_of_their_photos_is_flagged(run: Run, canned: CannedService) -> None:
    counts = {"total": 10, "settled": 10, "measured": 8, "failed": 2, "cancelled": 0}
    flagged = job("failed", images=counts, flagged=3, flags={"dark": 3, "blank": 2})
    canned.on_job(flagged)
    shown = [line.split() for line in run("status", JOB_ID).stdout.splitlines()]
    for words in (["dark", "3", "37.5%"], ["blank", "2", "25.0%"], ["any", "of", "them", "3", "37.5%"]):
        assert words in shown
    canned.on("GET /api/v1/jobs", as_json({"items": [flagged], "next": None}))
    header, line = run("jobs", "list").stdout.splitlines()
    assert line.split()[header.split().index("FLAGGED%")] == "37.5%"
