"""The job of the demo holds exactly what it says, and its stores are a good store master."""

import csv
from collections import Counter
from datetime import UTC, datetime

import pytest

from retailpulse.cli.commands.demo import MIN_IMAGES
from retailpulse.demo.album import ALBUM
from retailpulse.demo.job import UNKNOWN_STORE, DemoJob, build_job
from retailpulse.demo.sample import sample_stores
from retailpulse.domain.times import parse_instant

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PHOTOS = [photo for take in ALBUM for photo in take.photos]


def job(images: int) -> DemoJob:
    return build_job(origin="http://127.0.0.1:1", images=images, photos=PHOTOS, now=NOW)


def urls(planned: DemoJob) -> list[str]:
    return [url for visit in planned.body["visits"] for url in visit["image_url"]]


@pytest.mark.parametrize("images", [MIN_IMAGES, 60, 2000, 2001])
def test_a_job_has_as_many_images_as_asked_for_each_with_its_own_url(images: int) -> None:
    planned = job(images)
    assert planned.images == len(urls(planned)) == len(set(urls(planned))) == images
    assert planned.body["count"] == len(planned.body["visits"])


def test_every_image_is_expected_to_be_measured_or_to_fail() -> None:
    planned = job(2000)
    assert len(planned.perimeters) + planned.failed == 2000
    assert planned.causes == {
        "store_id_not_found": 1, "http_status": 1, "truncated": 2, "unsupported_format": 1,
    }  # fmt: skip


def test_all_photos_and_all_stores_are_used() -> None:
    planned = job(2000)
    assert {url.rpartition("/")[2].partition("?")[0] for url in urls(planned)} > {
        photo.name for photo in PHOTOS
    }
    known = {row["StoreID"] for row in csv.DictReader(sample_stores().splitlines())}
    assert {visit["store_id"] for visit in planned.body["visits"]} == known | {UNKNOWN_STORE}


def test_visits_are_at_readable_times_of_the_month_before() -> None:
    times = [parse_instant(visit["visit_time"]) for visit in job(200).body["visits"]]
    assert all(time is not None and 0 <= (NOW - time).days <= 30 for time in times)


def test_the_sample_stores_are_sixty_in_four_areas_with_quotes_and_commas() -> None:
    rows = list(csv.DictReader(sample_stores().splitlines()))
    assert list(rows[0]) == ["AreaCode", "StoreName", "StoreID"]
    assert len({row["StoreID"] for row in rows}) == len(rows) == 60
    assert len(Counter(row["AreaCode"] for row in rows)) == 4
    assert {f"RP{number:05}" for number in range(1, 11)} <= {row["StoreID"] for row in rows}
    assert any("," in row["StoreName"] for row in rows)
    assert any('"' in row["StoreName"] for row in rows)
    assert not any(None in row or not all(row.values()) for row in rows)
