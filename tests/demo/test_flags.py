"""What the demo says of bad photos: each with its reason, and everything that is not as planned."""

from typing import Any

from rich.console import Console

from retailpulse.cli.demo_flags import bad_photos, check_flags
from retailpulse.client import Result
from retailpulse.demo.job import BadPhoto, DemoJob
from retailpulse.domain.images import Outcome
from retailpulse.schema import Checks
from retailpulse.schema.reasons import Earlier, reasons

VISIT_TIME = "2026-11-20T10:00:00Z"


def result(image_no: int, *flags: str, **numbers: Any) -> Result:
    return Result(
        image_no=image_no,
        store_id="RP00003",
        visit_time=VISIT_TIME,
        image_url=f"http://a/photos/{image_no}.jpg",
        outcome=Outcome.MEASURED,
        flags=list(flags),
        checks=Checks(**numbers),
    )


def planned(*bad: BadPhoto) -> DemoJob:
    return DemoJob(body={}, images=9, causes={}, perimeters={}, bad=bad)


BLURRED = BadPhoto(image_no=2, flags=frozenset({"blurred"}))
COPY = BadPhoto(image_no=3, flags=frozenset({"copy"}), original=1)
EARLIER = Earlier(image_no=1, store_id="RP00001", visit_time="2026-10-27")


def shown(job: DemoJob, rows: list[Result], copied: dict[int, Earlier]) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(bad_photos(job, rows, copied))
    return captured.get()


def test_a_job_whose_bad_photos_were_found_gives_no_complaint() -> None:
    rows = [result(1), result(2, "blurred", sharpness=0.3), result(3, "copy")]
    assert check_flags(planned(BLURRED, COPY), rows, {3: EARLIER}) == []
    said = shown(planned(BLURRED, COPY), rows, {3: EARLIER})
    assert "sharpness 0.30" in said
    assert "copy of image 1, RP00001, 27 Oct" in said
    assert "http" not in said


def test_what_was_not_found_is_named_in_the_table_and_as_a_complaint() -> None:
    rows = [result(1), result(2, "soft", sharpness=0.58), result(3)]
    complaints = check_flags(planned(BLURRED, COPY), rows, {})
    assert complaints == [
        "image 2: expected blurred: not flagged", "image 3: expected copy: not flagged"
    ]  # fmt: skip
    assert "expected blurred: not flagged; sharpness 0.58" in shown(planned(BLURRED, COPY), rows, {})


def test_a_good_photo_that_is_flagged_and_a_copy_of_the_wrong_photo_are_named() -> None:
    rows = [result(1, "soft", sharpness=0.58), result(3, "copy")]
    assert check_flags(planned(COPY), rows, {3: EARLIER._replace(image_no=7)}) == [
        "image 3: copy of image 1, not of 7",
        "image 1: flagged soft: nothing is wrong with it",
    ]


def test_each_reason_is_given_once_in_words() -> None:
    dark = result(1, "dark", "blank", brightness_p95=31, content=0.03)
    assert reasons(dark, None) == "95% of it darker than 31 of 255; something to be seen in 3% of it"
    washed = result(2, "overexposed", blown=0.41, brightness_p5=180)
    assert reasons(washed, None) == "41% of it blown out, 95% brighter than 180 of 255"
    assert reasons(result(3, "a_flag_to_come"), None) == "a_flag_to_come"
