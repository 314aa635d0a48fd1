"""Samples to try a service with: the store master, and visits to a few of its stores with public photos.

Needs no part of the server. Weak: the photos lie on a host of others, which a machine without internet does
not reach; the demo serves photos of its own.
"""

import csv
import io
from importlib.resources import files
from typing import Any

import msgspec

_PHOTOS = "https://www.gstatic.com/webp/gallery"
_VISITS = (
    ("RP00001", "2026-11-20T10:00:00Z", ("1.jpg", "2.jpg")),
    ("RP00002", "2026-11-20T11:30:00Z", ("4.jpg",)),
    ("RP00003", "2026-11-21", ("5.jpg",)),
)


def sample_stores() -> str:
    """The sample store master that ships with the package, as CSV text."""
    return files("retailpulse.samples").joinpath("stores.csv").read_text(encoding="utf-8")


def sample_visits() -> str:
    """Visits as CSV text, a line for each photo."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("store_id", "image_url", "visit_time"))
    for store_id, visit_time, names in _VISITS:
        rows.writerows((store_id, f"{_PHOTOS}/{name}", visit_time) for name in names)
    return text.getvalue()


def sample_job() -> str:
    """The same visits as JSON, the body of a submit."""
    visits: list[dict[str, Any]] = [
        {
            "store_id": store_id,
            "image_url": [f"{_PHOTOS}/{name}" for name in names],
            "visit_time": visit_time,
        }
        for store_id, visit_time, names in _VISITS
    ]
    return msgspec.json.format(msgspec.json.encode({"count": len(visits), "visits": visits})).decode() + "\n"
