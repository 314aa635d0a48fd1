"""Decisions beside results and in reports: the same names in every format, and filters by them."""

import csv
import io
import json

import pytest

from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import Decision, ReviewState
from retailpulse.service import Reports, Results
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reports.window_sums import ReportFilter, ReportKind
from retailpulse.storage.results import pages
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from tests.storage.reviews.photos import decide, flagged_job

ROWS = ResultForm(page_format=PageFormat.JSON_ROWS)
FIELDS = ("review", "reviewed_by", "review_reason")


async def test_results_tell_the_decision_in_every_format_and_are_found_by_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "WINDOW_IMAGES", 2)
    job_id = await flagged_job(database, *[[Flag.BLANK]] * 4, [], [Flag.SOFT])
    await decide(database, job_id, 2, Decision.REJECTED, reason="=a wall", by="ben")
    await decide(database, job_id, 5, Decision.ACCEPTED)
    results = Results(database)

    async def found(*states: ReviewState, flags: tuple[Flag, ...] = ()) -> list[int]:
        wanted = ResultFilter(reviews=states, flags=flags)
        return [
            json.loads(line)["image_no"]
            async for block in results.all(job_id, wanted, ROWS)
            for line in block.splitlines()
        ]

    assert await found() == [1, 2, 3, 4, 5, 6]
    assert await found(ReviewState.REJECTED) == [2]
    assert await found(ReviewState.REJECTED, ReviewState.ACCEPTED) == [2, 5]
    assert await found(ReviewState.UNDECIDED) == [1, 3, 4, 6]
    assert await found(ReviewState.UNDECIDED, flags=(Flag.SOFT,)) == [6]
    assert await found(ReviewState.UNDECIDED, ReviewState.ACCEPTED) == [1, 3, 4, 5, 6]
    assert await found(ReviewState.FLAG_WRONG) == []

    lines, _ = await results.page(job_id, ResultFilter(), ROWS, after=1, limit=1)
    row = json.loads(lines[0])
    assert [row[name] for name in FIELDS] == ["rejected", "ben", "=a wall"]
    assert row["reviewed_at"].endswith("Z")
    form = ResultForm(page_format=PageFormat.CSV_WITH_HEADER, for_spreadsheet=True)
    text = b"".join([block async for block in results.all(job_id, ResultFilter(), form)]).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [rows[1][name] for name in FIELDS] == ["rejected", "ben", "'=a wall"]
    assert [rows[0][name] for name in FIELDS] == ["", "", ""]


async def test_reports_count_what_was_accepted_and_rejected(database: Database) -> None:
    job_id = await flagged_job(database, *[[Flag.BLANK]] * 4)
    for number, decision in ((1, Decision.ACCEPTED), (2, Decision.REJECTED), (3, Decision.REJECTED)):
        await decide(database, job_id, number, decision)
    reports = Reports(database)
    for kind, sums in (
        (ReportKind.VISITS, [(4, 1, 2)]),
        (ReportKind.AREAS, [(4, 1, 2)]),
        (ReportKind.STORES, [(2, 1, 1), (2, 0, 1)]),
    ):
        rows, _ = await reports.page(kind, ReportFilter(), after=None, limit=10)
        assert [(row.measured, row.accepted, row.rejected) for row in rows] == sums
