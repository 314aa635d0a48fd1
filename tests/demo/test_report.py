"""The demo's check of its own job: right numbers pass, every kind of wrong number is named."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from retailpulse.cli.demo_report import check, dashboard, next_steps, without_host
from retailpulse.client import FailedStore, ImageCounts, Job, Result
from retailpulse.demo.job import DemoJob
from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus


def result(**fields: Any) -> Result:
    return Result(store_id="S", visit_time="now", **fields)


PLANNED = DemoJob(
    body={}, images=3, causes={"truncated": 1}, perimeters={"http://a/1.jpg": 100, "http://a/2.jpg": 200}
)
JOB = Job(
    job_id="x",
    status=JobStatus.FAILED,
    depth="decode",
    images=ImageCounts(total=3, settled=3, measured=2, failed=1),
    causes={"truncated": 1},
    stores=[],
    submitted_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
)
ROWS = [
    result(image_no=1, image_url="http://a/1.jpg", outcome=Outcome.MEASURED, perimeter=100),
    result(image_no=2, image_url="http://a/2.jpg", outcome=Outcome.MEASURED, perimeter=200),
    result(image_no=3, image_url="http://a/3.jpg", outcome=Outcome.FAILED, cause="truncated"),
]


def test_a_job_that_came_out_as_planned_gives_no_complaint() -> None:
    assert check(PLANNED, JOB, ROWS) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"causes": {"corrupt": 1}}, "causes: {'truncated': 1} expected, {'corrupt': 1} found"),
        (
            {"images": ImageCounts(total=3, settled=3, measured=3, failed=0)},
            "measured images: 2 expected, 3 found",
        ),
        (
            {"images": ImageCounts(total=3, settled=2, measured=2, failed=1)},
            "settled images: 3 expected, 2 found",
        ),
        ({"images": ImageCounts(total=4, settled=3, measured=2, failed=1)}, "images: 3 expected, 4 found"),
    ],
)
def test_a_wrong_number_of_the_job_is_named(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in check(PLANNED, msgspec.structs.replace(JOB, **changes), ROWS)


def test_a_result_that_is_missing_or_doubled_is_named() -> None:
    assert check(PLANNED, JOB, ROWS[:2]) == ["results: 3 expected, 2 found"]
    assert check(PLANNED, JOB, [*ROWS[:2], ROWS[0]]) == ["results: 3 expected, 2 found"]


def test_a_wrong_perimeter_is_named_with_its_photo() -> None:
    planned = replace(PLANNED, perimeters={**PLANNED.perimeters, "http://a/2.jpg": 222})
    assert check(planned, JOB, ROWS) == ["perimeter of http://a/2.jpg: 222 expected, 200 found"]


def test_without_curl_every_way_on_is_a_command_of_our_own() -> None:
    ways = list(next_steps("http://a:1", "x", "{}", program=".venv/bin/retailpulse", curl=False))[1:]
    assert ways
    assert all(line.startswith("  .venv/bin/retailpulse ") for line in ways)
    assert [line for line in next_steps("http://a:1", "x", "{}", program="r", curl=True) if "curl" in line]


def test_the_dashboard_is_named_last_with_the_job_and_its_flagged_photos() -> None:
    assert list(dashboard("http://a:1", "x", 9)) == [
        "\nDashboard: http://a:1/",
        "  http://a:1/jobs/x  this job, in which 9 photos are flagged",
        "  http://a:1/review  flagged photos, one after the other, to decide on",
    ]


def test_who_reads_of_failures_when_the_host_has_gone_sees_no_address() -> None:
    store = FailedStore(store_id="S", images=1, failed=1, error="1 of 1, e.g. http://a:1/x.jpg: HTTP 404")
    job = without_host(msgspec.structs.replace(JOB, stores=[store]), "http://a:1")
    assert [store.error for store in job.stores] == ["1 of 1, e.g. /x.jpg: HTTP 404"]
