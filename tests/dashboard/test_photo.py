"""The page of a photo, and pictures in the grid: what is known, beside what it was handed in before."""

import re
from html import unescape

import pytest

from retailpulse.config.settings import MeasureSettings
from retailpulse.dashboard import words
from retailpulse.dashboard.sketch import Sketch, sketch
from retailpulse.domain.images import Outcome
from retailpulse.schema import Result, Review, Store
from retailpulse.schema.checks import Checks
from retailpulse.service import PhotoDetail
from tests.api.jobs import body, photo, visit
from tests.dashboard.conftest import Reused
from tests.dashboard.test_pages import Elements, page
from tests.origin import Origin, Reply
from tests.running import RunningService


def pictures(text: str) -> dict[str, str]:
    """The pictures of a page by their addresses, each with its text for who does not see it."""
    return {one["src"]: one["alt"] for tag, one in Elements(text).found if tag == "img"}


def text_of(text: str) -> str:
    """A page without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_the_grid_shows_a_picture_where_there_may_be_one(service: RunningService, reused: Reused) -> None:
    text = page(service, f"/jobs/{reused.job_id}")
    found = pictures(text)
    assert list(found) == [f"/api/v1/jobs/{reused.job_id}/images/{n}/thumbnail" for n in (1, 2, 3)]
    assert list(found.values())[1] == f"{reused.second_store}, photo 2: Copy"
    assert all(service.http.get(address).status_code == 200 for address in found)
    assert [one["href"] for tag, one in Elements(text).found if one.get("class") == "tile"] == [
        reused.photo(n) for n in (1, 2, 3, 4)
    ]


def test_photos_that_were_never_decoded_have_no_picture(service: RunningService, origin: Origin) -> None:
    url = origin.serve("/undecoded.png", Reply(body=photo(70, 50)))
    sent = body(visit("RP00001", url), depth="header")
    job_id = service.http.post("/api/v1/jobs", json=sent).json()["job_id"]
    service.finished(job_id)
    assert pictures(page(service, f"/jobs/{job_id}")) == {}
    text = page(service, f"/jobs/{job_id}/photos/1")
    assert pictures(text) == {}
    assert "depth header: no picture is made" in text


def test_a_photo_stands_beside_the_earlier_one(service: RunningService, reused: Reused) -> None:
    text = page(service, reused.photo(3))
    said = text_of(text)
    assert "The same picture, 7 days 0 h later, of another store Copy" in said
    assert f"{reused.second_store} ≠ Store {reused.first_store}" in said
    assert "640 × 480 ≠ Pixels 800 × 600" in said
    assert "jpeg = Format jpeg" in said
    assert f"copy of image 1, {reused.first_store}, 20 Nov" in said
    assert [address.rpartition("images/")[2] for address in pictures(text)] == [
        "3/thumbnail?size=review",
        "1/thumbnail?size=review",
    ]
    links = [one.get("href") for tag, one in Elements(text).found if tag == "a"]
    for address in (reused.photo(2), reused.photo(4), reused.photo(1), f"/jobs/{reused.job_id}"):
        assert address in links


def test_the_same_file_is_not_called_a_copy_of_another(service: RunningService, reused: Reused) -> None:
    said = text_of(page(service, reused.photo(2)))
    assert "The same file, 7 days 0 h later, of another store Same file" in said
    assert "of their fingerprints differ" not in said


def test_a_photo_that_failed_says_why_and_what_was_before(service: RunningService, reused: Reused) -> None:
    said = text_of(page(service, reused.photo(4)))
    assert "Unusable URL" in said
    assert "Before a retry" not in said
    assert "Photo 4 of 4" in said
    service.http.post(f"/jobs/{reused.job_id}/retry", data={})
    service.finished(reused.job_id)
    assert "Before a retry Unusable URL" in text_of(page(service, reused.photo(4)))


@pytest.mark.parametrize("number", ["0", "5", "x", "1e3", "9" * 30, "-1"])
def test_a_photo_that_there_is_none_of_is_not_found(
    service: RunningService, reused: Reused, number: str
) -> None:
    assert service.http.get(f"/jobs/{reused.job_id}/photos/{number}").status_code == 404


@pytest.mark.parametrize(
    ("latitude", "longitude", "text", "x", "y"),
    [(1, 0, "1.2 km N", 0, -88), (0, 1, "1.2 km E", 88, 0), (-1, -1, "1.2 km SW", -62.2, 62.2)],
)
def test_a_photo_is_drawn_where_it_was_taken(
    latitude: float, longitude: float, text: str, x: float, y: float
) -> None:
    store = Store(store_id="a", area_code="b", store_name="c", latitude=0.0, longitude=0.0)
    taken = Result(
        image_no=1,
        store_id="a",
        visit_time="2026-11-20",
        image_url="u",
        outcome=Outcome.MEASURED,
        latitude=latitude / 100,
        longitude=longitude / 100,
        checks=Checks(store_distance_m=1_200),
    )
    review = Review(job_id="j", image_no=1, store_id="a", visit_time="2026-11-20", image_url="u")
    allowed = MeasureSettings().far_from_store_meters
    detail = PhotoDetail(
        result=taken, review=review, store=store, match=None, earlier=None, later=[], allowed_meters=allowed
    )
    assert sketch(detail) == Sketch(text=text, x=x, y=y, radius=round(88 * allowed / 1_200, 1))


def test_the_time_of_a_camera_names_its_zone() -> None:
    assert words.capture_time("2026-11-20T10:31:07+05:30") == "20 Nov 2026 10:31 +05:30"
    assert words.capture_time("2026-11-20T10:31:07") == "20 Nov 2026 10:31 by its clock"
    assert words.capture_time("yesterday") == "yesterday"
