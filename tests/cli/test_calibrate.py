"""`retailpulse calibrate`: deciles, what thresholds would flag, and photos to look at, of one job or more."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from retailpulse.cli.calibration import DIALS, Calibrated, Distribution
from retailpulse.client import Outcome, Result
from retailpulse.config.loading import load
from retailpulse.schema.checks import Checks
from tests.canned import JOB_ID, CannedService, as_json, job
from tests.cli.conftest import Run

OTHER_ID = "0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b22"


def photo(image_no: int, *, flags: Sequence[str] = (), **numbers: Any) -> Result:
    return Result(
        image_no=image_no,
        store_id="RP00001",
        visit_time="now",
        image_url=f"http://a/{image_no}.jpg",
        outcome=Outcome.MEASURED,
        flags=[*flags],
        checks=Checks(**numbers),
    )


def calibrated(name: str, rows: list[Result], **environ: str) -> Calibrated:
    distribution = Distribution(next(dial for dial in DIALS if dial.name == name), load(environ=environ))
    for row in rows:
        distribution.add(row, JOB_ID)
    return distribution.result()


HUNDRED = [photo(number, sharpness=number / 100) for number in range(1, 101)]


def test_a_threshold_flags_what_lies_below_it_and_others_are_shown_beside_it() -> None:
    found = calibrated("sharpness", HUNDRED)
    assert found.photos == 100
    assert found.deciles == [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert sum(part.photos for part in found.histogram) == 100
    blurred = found.thresholds[0]
    assert (blurred.setting, blurred.value) == ("RETAILPULSE_MEASURE_BLURRED_BELOW", 0.5)
    assert [(effect.at, effect.photos) for effect in blurred.effects] == [
        (0.35, 34), (0.4, 39), (0.45, 44), (0.5, 49), (0.55, 54), (0.6, 59), (0.65, 64)
    ]  # fmt: skip
    assert [example.image_no for example in blurred.just_flagged] == [49, 48, 47]
    assert [example.image_no for example in blurred.just_not_flagged] == [50, 51, 52]
    soft = found.thresholds[1]
    assert [(effect.at, effect.photos) for effect in soft.effects] == [
        (0.42, 0), (0.48, 0), (0.54, 4), (0.6, 10), (0.66, 16), (0.72, 22), (0.78, 28)
    ]  # fmt: skip
    assert [example.image_no for example in soft.just_flagged] == [59, 58, 57]
    assert [example.image_no for example in found.lowest] == [1, 2, 3]
    assert [example.image_no for example in found.highest] == [100, 99, 98]


def test_a_threshold_from_above_flags_what_lies_above_it_at_the_value_that_is_set() -> None:
    rows = [photo(number, blown=number / 100) for number in range(101)]
    overexposed = calibrated("blown", rows, RETAILPULSE_MEASURE_OVEREXPOSED_ABOVE="0.5").thresholds[0]
    assert [(effect.at, effect.photos) for effect in overexposed.effects][2:5] == [
        (0.45, 55),
        (0.5, 50),
        (0.55, 45),
    ]
    assert [example.image_no for example in overexposed.just_flagged] == [51, 52, 53]


def test_a_photo_without_the_number_and_the_sharpness_of_a_blank_one_are_not_counted() -> None:
    rows = [photo(1), photo(2, sharpness=0.1, flags=["blank"]), photo(3, sharpness=0.2)]
    assert calibrated("sharpness", rows).photos == 1
    assert calibrated("sharpness", rows[:1]).deciles == []


def test_a_number_without_bounds_takes_no_more_memory() -> None:
    found = calibrated("brightness", [photo(number, brightness=float(number)) for number in range(50_000)])
    assert found.photos == 50_000
    assert found.deciles[5] == pytest.approx(25_000, rel=0.001)


@pytest.fixture
def two_jobs(canned: CannedService) -> None:
    for job_id, numbers in ((JOB_ID, (0.3, 0.9)), (OTHER_ID, (0.55, 0.8))):
        rows = [
            {
                "image_no": image_no,
                "store_id": "RP00001",
                "image_url": f"http://a/{image_no}.jpg",
                "visit_time": "now",
                "outcome": "measured",
                "checks": {"sharpness": sharpness},
            }
            for image_no, sharpness in enumerate(numbers, 1)
        ]
        canned.on(f"GET /api/v1/jobs/{job_id}", as_json(job("completed", job_id=job_id)))
        canned.on(f"GET /api/v1/jobs/{job_id}/results", as_json({"items": rows, "next": None}))


@pytest.mark.usefixtures("two_jobs")
def test_several_jobs_are_one_distribution_whose_photos_can_be_found(run: Run) -> None:
    answer = run("calibrate", JOB_ID, OTHER_ID, "--number", "sharpness", "--json")
    found = json.loads(answer.stdout)
    assert (found["jobs"], [number["name"] for number in found["numbers"]]) == (
        [JOB_ID, OTHER_ID],
        ["sharpness"],
    )
    blurred, soft = found["numbers"][0]["thresholds"]
    assert [(x["job_id"], x["image_no"]) for x in blurred["just_flagged"]] == [(JOB_ID, 1)]
    assert [(x["job_id"], x["image_no"]) for x in soft["just_flagged"]] == [(OTHER_ID, 1)]


@pytest.mark.usefixtures("two_jobs")
def test_the_text_marks_the_value_that_is_set_and_names_the_setting(run: Run) -> None:
    lines = run("calibrate", JOB_ID, OTHER_ID).stdout.splitlines()
    assert "sharpness of 4 photos" in lines
    assert [line.split() for line in lines if line.startswith("  * ")][:2] == [
        ["*", "0.5", "1", "25.00%"], ["*", "0.6", "1", "25.00%"]
    ]  # fmt: skip
    assert any("RETAILPULSE_MEASURE_SOFT_BELOW = 0.6" in line for line in lines)
    assert any(f"job {JOB_ID}, image 1, RP00001  http://a/1.jpg" in line for line in lines)
    assert "content of 0 photos" in lines


def test_a_photo_that_is_blurred_is_no_example_of_a_soft_one() -> None:
    rows = [photo(1, sharpness=0.3), photo(2, sharpness=0.5), photo(3, sharpness=0.7)]
    soft = calibrated("sharpness", rows).thresholds[1]
    assert [example.image_no for example in soft.just_flagged] == [2]
    assert [example.image_no for example in soft.just_not_flagged] == [3]
