"""The job of the demo holds exactly what it says, and its stores are a good store master."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from retailpulse.cli.commands.demo import MIN_IMAGES
from retailpulse.demo import album
from retailpulse.demo.album import ALBUM
from retailpulse.demo.exif import Capture
from retailpulse.demo.job import DemoJob
from retailpulse.demo.trouble import UNKNOWN_STORE, build_job
from retailpulse.domain.times import parse_instant
from retailpulse.samples import sample_stores

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@cache
def job(images: int) -> DemoJob:
    return build_job(origin="http://127.0.0.1:1", images=images, now=NOW)


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
    names = {urlsplit(url).path.rpartition("/")[2] for url in urls(planned)}
    assert names > {photo.name for photo in ALBUM}
    assert names > planned.recipes.keys() | {photo.name for photo in planned.drawn}
    known = {row["StoreID"] for row in csv.DictReader(sample_stores().splitlines())}
    assert {visit["store_id"] for visit in planned.body["visits"]} == known | {UNKNOWN_STORE}


def captured(planned: DemoJob) -> list[tuple[int, dict[str, Any], Capture | None]]:
    """The number of each image that is measured, its visit, and what its EXIF data say."""
    captures = {photo.name: photo.capture for photo in planned.drawn}
    captures |= {name: recipe.capture for name, recipe in planned.recipes.items()}
    images = [(visit, url) for visit in planned.body["visits"] for url in visit["image_url"]]
    return [
        (image_no, visit, captures[urlsplit(url).path.rpartition("/")[2]])
        for image_no, (visit, url) in enumerate(images, 1)
        if url in planned.perimeters
    ]


def test_photos_were_taken_at_their_stores_just_before_their_visits_but_for_the_bad_ones() -> None:
    stores = {row["StoreID"]: row for row in csv.DictReader(sample_stores().splitlines())}
    late, far = set(), set()
    for image_no, visit, capture in captured(job(2000)):
        if capture is None:
            continue
        visited = parse_instant(visit["visit_time"])
        assert visited is not None
        if not timedelta(0) <= visited - capture.taken_at < timedelta(hours=1):
            late.add(image_no)
        store = stores[visit["store_id"]]
        if capture.place and abs(capture.place[0] - float(store["Latitude"])) > 0.001:
            far.add(image_no)
    assert (late, far) == ({18}, {19})


def test_each_copy_stands_behind_its_original_in_a_later_visit_of_another_store() -> None:
    planned = job(MIN_IMAGES)
    visits = {image_no: visit for image_no, visit, _ in captured(planned)}
    copies = {album.REENCODED.name: 8, album.CROPPED.name: 9, album.SCREENSHOT.name: 10}
    for image_no, visit in visits.items():
        for url in visit["image_url"]:
            original = copies.get(urlsplit(url).path.rpartition("/")[2])
            if original:
                assert original < image_no
                assert visits[original]["visit_time"] < visit["visit_time"]
                assert visits[original]["store_id"] != visit["store_id"]


def test_visits_are_at_readable_times_of_the_month_before() -> None:
    times = [parse_instant(visit["visit_time"]) for visit in job(200).body["visits"]]
    assert all(time is not None and 0 <= (NOW - time).days <= 30 for time in times)


def test_the_sample_stores_are_sixty_in_four_areas_with_quotes_and_commas() -> None:
    rows = list(csv.DictReader(sample_stores().splitlines()))
    assert list(rows[0]) == ["AreaCode", "StoreName", "StoreID", "Latitude", "Longitude"]
    assert len({row["StoreID"] for row in rows}) == len(rows) == 60
    assert len(Counter(row["AreaCode"] for row in rows)) == 4
    assert {f"RP{number:05}" for number in range(1, 11)} <= {row["StoreID"] for row in rows}
    assert any("," in row["StoreName"] for row in rows)
    assert any('"' in row["StoreName"] for row in rows)
    assert not any(None in row or not all(row.values()) for row in rows)
