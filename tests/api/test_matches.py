"""GET /api/v1/matches: photos that were handed in before, from the origin to the page of a list."""

import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from retailpulse.demo.dice import Dice
from retailpulse.demo.scenes import fridge, shelf
from tests.api.export.workbooks import opened, table
from tests.api.jobs import CORNER_SHOP, MARKET_HALL, body, visit, wrong_parameter
from tests.api.paging import items_of, pages_of
from tests.conftest import serving
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

MATCHES = "/api/v1/matches"
OTHER_AREA = "RP00004"
_numbers = itertools.count(1)


def file(photo: Image.Image, quality: int = 90) -> bytes:
    """A photo as a JPEG."""
    content = io.BytesIO()
    photo.convert("RGB").save(content, "JPEG", quality=quality)
    return content.getvalue()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of its own that flags copies, as others do not among all the pictures of their tests."""
    with serving(tmp_path_factory.mktemp("matches")) as running:
        yield running


def hand_in(service: RunningService, origin: Origin, *photos: tuple[str, bytes], at: str) -> str:
    """A job of a visit and a photo for each store, which has ended."""
    visits = []
    for store_id, content in photos:
        url = origin.serve(f"/matches-{next(_numbers)}.jpg", Reply(body=content))
        visits.append(visit(store_id, url, at=at))
    answer = service.http.post("/api/v1/jobs", json=body(*visits))
    job_id = str(answer.json()["job_id"])
    assert service.finished(job_id)["status"] == "completed"
    return job_id


@pytest.fixture(scope="module")
def jobs(service: RunningService, origin: Origin) -> list[str]:
    """Two jobs: of the second, two photos were in the first, and one is again in the same store."""
    first, second = shelf((800, 600), Dice(71)), fridge((800, 600), Dice(72))
    smaller = first.resize((640, 480))
    earlier = hand_in(
        service, origin, (CORNER_SHOP, file(first)), (CORNER_SHOP, file(second)), at="2026-11-20T10:00:00Z"
    )
    later = hand_in(
        service,
        origin,
        (MARKET_HALL, file(smaller, 40)),
        (OTHER_AREA, file(second)),
        (CORNER_SHOP, file(first)),
        (MARKET_HALL, file(shelf((800, 600), Dice(73)))),
        at="2026-11-27T10:00:00Z",
    )
    wait_for(lambda: len(items_of(service, MATCHES, job_id=[earlier, later])) >= 3)
    return [earlier, later]


def found(service: RunningService, jobs: list[str], **query: Any) -> set[tuple[int, str, str]]:
    """The images of the second job that are listed, each with the kind and the relation of its match."""
    items = items_of(service, MATCHES, job_id=jobs[1], **query)
    return {(item["photo"]["image_no"], item["kind"], item["relation"]) for item in items}


def test_photos_that_were_handed_in_before_are_listed_with_the_earliest(
    service: RunningService, jobs: list[str]
) -> None:
    earlier, later = jobs
    assert found(service, jobs) == {
        (1, "copy", "other_store"),
        (2, "same_file", "other_store"),
        (3, "same_file", "same_store"),
    }
    (item,) = items_of(service, MATCHES, job_id=later, kind="copy")
    assert (item["photo"]["job_id"], item["earlier"]["job_id"]) == (later, earlier)
    assert (item["photo"]["store_id"], item["earlier"]["store_id"]) == (MARKET_HALL, CORNER_SHOP)
    assert item["earlier"]["visit_time"] == "2026-11-20T10:00:00Z"
    assert item["earlier"]["image_url"].endswith(".jpg")
    assert (item["area"], item["earlier"]["image_no"]) == ("7100015", 1)
    assert 0 <= item["distance"] <= 44
    results = service.http.get(f"/api/v1/jobs/{later}/results").json()["items"]
    assert ["copy" in result["flags"] for result in results] == [True, True, True, False]


def test_filters_look_at_the_later_photo(service: RunningService, jobs: list[str]) -> None:
    assert {number for number, *_ in found(service, jobs, kind=["same_file", "same_scene"])} == {2, 3}
    assert {number for number, *_ in found(service, jobs, relation="same_store")} == {3}
    assert {number for number, *_ in found(service, jobs, store_id=[CORNER_SHOP, OTHER_AREA])} == {2, 3}
    assert {number for number, *_ in found(service, jobs, area="7100016")} == {2}
    assert found(service, jobs, until="2026-01-01") == set()
    assert len(found(service, jobs, since="2026-01-01")) == 3


def test_pages_have_each_match_once_the_newest_first(service: RunningService, jobs: list[str]) -> None:
    pages = list(pages_of(service, MATCHES, job_id=jobs[1], limit=1))
    assert [len(page["items"]) for page in pages] == [1, 1, 1]
    photos = [page["items"][0]["photo"] for page in pages]
    keys = [(photo["settled_at"], photo["image_no"]) for photo in photos]
    assert keys == sorted(keys, reverse=True)


def flat(item: dict[str, Any]) -> dict[str, Any]:
    """A match of a page with the columns that it has in a file."""
    earlier = {f"earlier_{name}": value for name, value in item["earlier"].items()}
    rest = {name: item[name] for name in ("kind", "distance", "relation", "area")}
    return {**item["photo"], **earlier, **rest}


@pytest.mark.parametrize("query", [{}, {"relation": "other_store"}])
def test_a_file_has_a_line_for_each_match(
    service: RunningService, jobs: list[str], query: dict[str, str]
) -> None:
    expected = [flat(item) for item in items_of(service, MATCHES, job_id=jobs[1], **query)]
    asked = {"job_id": jobs[1], **query}
    answer = service.http.get(MATCHES, params={"format": "csv", **asked})
    assert answer.headers["content-disposition"] == 'attachment; filename="matches.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    texts = [{name: str(value) for name, value in row.items()} for row in expected]
    assert (list(rows[0]), rows) == (list(expected[0]), texts)
    book = opened(service.http.get(MATCHES, params={"format": "xlsx", **asked}).content)
    assert [(row["earlier_image_no"], row["distance"], row["kind"]) for row in table(book["matches"])] == [
        (row["earlier_image_no"], row["distance"], row["kind"]) for row in expected
    ]


def test_a_file_of_no_match_has_its_header(service: RunningService) -> None:
    answer = service.http.get(MATCHES, params={"format": "csv", "store_id": "nobody"})
    assert len(list(csv.reader(io.StringIO(answer.text)))) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "twin"),
        ("relation", "friend"),
        ("job_id", "x"),
        ("since", "soon"),
        ("format", "parquet"),
        ("cursor", "x"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(service: RunningService, name: str, value: str) -> None:
    wrong_parameter(service.http.get(MATCHES, params={name: value}), name)
