"""Photos that say in EXIF when and where they were taken are held against their visit and their store."""

import csv
import io
from typing import Any

import httpx
from PIL import Image

from tests.api.jobs import put_stores, visit
from tests.origin import Origin, Reply
from tests.running import RunningService

AT = "2026-11-20T10:00:00Z"
STORES = """AreaCode,StoreName,StoreID,lat,lng
there,Here,there-1,12.97,77.59
there,Away,there-2,"-33,87","151,21"
there,Nowhere,there-3,,
"""


def photo(number: int, *, at: str = "", offset: str = "", place: tuple[float, float] | None = None) -> bytes:
    """A photo whose EXIF data tell a time and a place."""
    tags = Image.Exif()
    tags[0x8769] = {0x9003: at, 0x9011: offset} if at else {}
    if place is not None:
        north, east = place
        tags[0x8825] = {
            1: "N" if north >= 0 else "S",
            2: (abs(north), 0.0, 0.0),
            3: "E" if east >= 0 else "W",
            4: (abs(east), 0.0, 0.0),
        }
    file = io.BytesIO()
    Image.radial_gradient("L").resize((96 + number, 96)).save(file, "JPEG", exif=tags)
    return file.getvalue()


def results(service: RunningService, job_id: str, **query: str) -> httpx.Response:
    """The results of a job."""
    return service.http.get(f"/api/v1/jobs/{job_id}/results", params=query)


def test_flags_and_numbers_of_time_and_place_in_every_format(service: RunningService, origin: Origin) -> None:
    assert put_stores(service, STORES.encode()).json()["rejected"] == 0
    photos = {
        "fine": photo(1, at="2026:11:20 15:45:00", offset="+05:30", place=(12.9705, 77.59)),
        "moved": photo(2, at="2026:11:20 15:45:00", offset="+05:30", place=(13.0, 77.59)),
        "late": photo(3, at="2026:11:22 10:00:00", offset="+00:00"),
        "local": photo(4, at="2026:11:21 23:00:00"),
        "old": photo(5, at="2026:09:20 10:00:00", offset="+00:00", place=(12.97, 77.59)),
        "reset": photo(6, at="1980:01:01 00:00:00", place=(0.0, 0.0)),
    }
    urls = {name: origin.serve(f"/there/{name}.jpg", Reply(body=body)) for name, body in photos.items()}
    visits = [
        visit("there-1", *urls.values(), at=AT),
        visit("there-2", urls["fine"], at=AT),
        visit("there-3", urls["old"], at="some time"),
    ]
    job_id = service.submit(visits, depth="decode")
    service.finished(job_id)
    rows: list[dict[str, Any]] = results(service, job_id).json()["items"]
    told = [
        ([flag for flag in row["flags"] if flag not in {"blurred", "soft"}],
         row["checks"].get("hours_from_visit"), row["checks"].get("store_distance_m"))
        for row in rows
    ]  # fmt: skip
    assert told == [
        ([], 0.25, 56),
        (["far_from_store"], 0.25, 3336),
        (["time_mismatch"], 48, None),
        ([], 23, None),
        (["time_mismatch", "stale"], -1464, 0),
        ([], None, None),
        (["far_from_store"], 0.25, 9_349_607),
        (["stale"], None, None),
    ]
    flat = list(csv.DictReader(io.StringIO(results(service, job_id, format="csv").text)))
    for row, columns in zip(rows, flat, strict=True):
        for name in ("hours_from_visit", "store_distance_m"):
            assert columns[name] == str(row["checks"].get(name, ""))
    found = results(service, job_id, flag="stale").json()["items"]
    assert [row["image_no"] for row in found] == [5, 8]
    assert service.job(job_id)["flags"]["far_from_store"] == 2
