"""GET /api/v1/photos: flagged photos of all jobs by flag, area, store, job, time; as pages and as files."""

import csv
import io
from typing import Any

import pytest
from PIL import Image

from retailpulse.schema import FlaggedPhoto
from retailpulse.schema.columns import flat_names
from tests.api.export.workbooks import opened, table
from tests.api.jobs import new_area, photo, put_stores, store_file, visit, wrong_parameter
from tests.api.paging import items_of
from tests.measure.pictures import saved
from tests.origin import Origin, Reply
from tests.running import RunningService

PHOTOS = "/api/v1/photos"


class Flagged:
    """Two jobs in an area of two stores: a black photo in both stores, a grey one and a fine one in one."""

    def __init__(self, service: RunningService, origin: Origin) -> None:
        self.area, (self.first, self.second) = new_area(service, stores=2, name="=Shop")
        black = origin.serve("/black.png", Reply(body=saved("PNG", Image.new("RGB", (300, 200)))))
        grey = origin.serve("/grey.png", Reply(body=saved("PNG", Image.new("RGB", (300, 200), "#808080"))))
        fine = origin.serve("/fine.png", Reply(body=photo(30, 20)))
        self.job_ids = []
        for visits in (
            [visit(self.first, black, fine), visit(self.second, black)],
            [visit(self.first, grey)],
        ):
            self.job_ids.append(service.submit(visits, depth="decode"))
            service.finished(self.job_ids[-1])

    def places(self, service: RunningService, **query: Any) -> list[tuple[int, int]]:
        """Which of the jobs, and the number, of each photo."""
        found = items_of(service, PHOTOS, **({"area": self.area} | query))
        return [(self.job_ids.index(item["job_id"]), item["image_no"]) for item in found]


@pytest.fixture(scope="module")
def made(service: RunningService, origin: Origin) -> Flagged:
    return Flagged(service, origin)


def test_a_photo_is_told_with_its_job_and_all_that_its_result_says(
    service: RunningService, made: Flagged
) -> None:
    (item,) = items_of(service, PHOTOS, store_id=made.second)
    results = items_of(service, f"/api/v1/jobs/{made.job_ids[0]}/results", flag="dark")
    assert item == {"job_id": made.job_ids[0]} | results[1]
    assert (item["flags"], item["area"], item["store_name"]) == (["dark", "blank"], made.area, "=Shop")
    assert next(iter(item)) == "job_id"


def test_each_filter_is_kept_alone_and_with_others_over_all_pages(
    service: RunningService, made: Flagged
) -> None:
    everything = [(1, 1), (0, 3), (0, 1)]
    settled_at = [item["settled_at"] for item in items_of(service, PHOTOS, area=made.area)]
    assert settled_at == sorted(settled_at, reverse=True)
    for limit in (1, 2, 100):
        assert made.places(service, limit=limit) == everything
        assert made.places(service, flag=["blank", "dark"], limit=limit) == everything
    assert made.places(service, flag="dark", limit=1) == everything[1:]
    assert made.places(service, flag="blurred") == []
    assert made.places(service, store_id=made.first) == [(1, 1), (0, 1)]
    assert made.places(service, job_id=made.job_ids[1]) == [(1, 1)]
    assert made.places(service, since=settled_at[0]) == [(1, 1)]
    assert made.places(service, until=settled_at[0], flag="dark") == everything[1:]
    assert made.places(service, since="2100-01-01") == made.places(service, area="nowhere") == []


def test_photos_are_files_with_the_columns_of_pages(service: RunningService, made: Flagged) -> None:
    expected = items_of(service, PHOTOS, area=made.area)
    for safe, name in ((None, "=Shop"), ("spreadsheet", "'=Shop")):
        query = {"area": made.area, "format": "csv"} | ({"safe": safe} if safe else {})
        answer = service.http.get(PHOTOS, params=query)
        assert answer.headers["content-disposition"] == 'attachment; filename="photos.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == list(flat_names(FlaggedPhoto))
        assert [(row["flags"], row["store_name"]) for row in rows] == [
            (" ".join(item["flags"]), name) for item in expected
        ]
    book = opened(service.http.get(PHOTOS, params={"area": made.area, "format": "xlsx"}).content)
    rows = table(book["photos"])
    assert [(row["job_id"], row["flags"], row["contrast"]) for row in rows] == [
        (item["job_id"], " ".join(item["flags"]), item["checks"].get("contrast")) for item in expected
    ]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"flag": "ugly"}, "flag"),
        ({"job_id": "week 47"}, "job_id"),
        ({"since": "soon"}, "since"),
        ({"until": "2026-13-01"}, "until"),
        ({"area": "\0"}, "area"),
        ({"format": "parquet"}, "format"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_named(
    service: RunningService, query: dict[str, str], named: str
) -> None:
    wrong_parameter(service.http.get(PHOTOS, params=query), named)


def test_photos_follow_their_store_to_another_area(service: RunningService, made: Flagged) -> None:
    put_stores(service, store_file([("area-of-photos", "Moved", made.second)]))
    try:
        assert made.places(service) == [(1, 1), (0, 1)]
        (item,) = items_of(service, PHOTOS, area="area-of-photos")
        assert (item["store_id"], item["area"]) == (made.second, "area-of-photos")
    finally:
        put_stores(service, store_file([(made.area, "=Shop", made.second)]))
