"""The command `matches`: photos that were handed in before, as a table, as JSON, and as files."""

import json
from pathlib import Path
from typing import Any

from tests.canned import JOB_ID, Answer, CannedService, as_json
from tests.cli.conftest import Run


def photo(image_no: int, store_id: str) -> dict[str, Any]:
    """One photo of a match as the service describes it."""
    return {
        "job_id": JOB_ID,
        "image_no": image_no,
        "store_id": store_id,
        "visit_time": "2026-11-20T10:00:00Z",
        "image_url": "https://photos.example/a.jpg",
        "settled_at": "2026-11-20T10:00:07.412Z",
    }


MATCH = {
    "photo": photo(7, "RP00002"),
    "earlier": photo(3, "RP00001\x1b"),
    "kind": "copy",
    "distance": 12,
    "relation": "other_store",
    "area": None,
}


def test_matches_are_a_line_each_and_an_array_as_json(run: Run, canned: CannedService) -> None:
    canned.on("GET /api/v1/matches", as_json({"items": [MATCH], "next": None}))
    filters = ["--kind", "copy", "--relation", "other_store", "--area", "7100", "--since", "2026-11-01"]
    result = run("matches", *filters)
    assert result.exit_code == 0
    header, line = result.stdout.splitlines()
    assert header.split()[:3] == ["KIND", "BITS", "RELATION"]
    for words in ("copy", "12", "other_store", "RP00002", "RP00001\N{REPLACEMENT CHARACTER}", f"{JOB_ID}/7"):
        assert words in line
    query = "kind=copy&relation=other_store&area=7100&since=2026-11-01&limit=1000"
    assert canned.asked[0].query == query
    assert json.loads(run("matches", "--json").stdout)[0]["earlier"]["image_no"] == 3


def test_what_is_no_id_is_refused_by_the_name_of_its_option(run: Run, canned: CannedService) -> None:
    result = run("matches", "--job", JOB_ID, "--job", "abc")
    assert result.exit_code == 2
    assert "--job" in result.stderr
    assert "'abc' is no id of a job" in result.stderr
    assert canned.asked == []


def test_a_file_has_all_of_them(run: Run, canned: CannedService, tmp_path: Path) -> None:
    canned.on("GET /api/v1/matches", Answer(body=b"the file"))
    result = run("matches", "--job", JOB_ID, "--relation", "same_store", "-o", str(tmp_path / "matches.csv"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert canned.asked[-1].query == f"relation=same_store&job_id={JOB_ID}&format=csv&safe=spreadsheet"
    assert (tmp_path / "matches.csv").read_bytes() == b"the file"
