"""Examples of results for the API's description: two images in each form that they are given in."""

import csv
import io
import json
from typing import Any

_WHAT_FAILED_HAS_NOT = (
    "format",
    "width",
    "height",
    "displayed_width",
    "displayed_height",
    "perimeter",
    "size_bytes",
    "sha256",
)
_MEASURED: dict[str, Any] = {
    "image_no": 1,
    "store_id": "RP00001",
    "visit_time": "2026-11-20T10:00:00Z",
    "image_url": "https://photos.example/a.jpg",
    "outcome": "measured",
    "cause": None,
    "detail": None,
    "format": "jpeg",
    "width": 4032,
    "height": 3024,
    "displayed_width": 3024,
    "displayed_height": 4032,
    "perimeter": 14112,
    "size_bytes": 2508113,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "suspect": None,
    "tries": 1,
    "settled_at": "2026-11-20T10:00:07.412Z",
}
_FAILED: dict[str, Any] = {
    **_MEASURED,
    **dict.fromkeys(_WHAT_FAILED_HAS_NOT),
    "image_no": 2,
    "image_url": "https://photos.example/b.jpg",
    "outcome": "failed",
    "cause": "http_status",
    "detail": "HTTP 404",
    "settled_at": "2026-11-20T10:00:07.398Z",
}
RESULTS = (_MEASURED, _FAILED)


def _as_csv() -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _MEASURED, lineterminator="\n")
    writer.writeheader()
    writer.writerows(RESULTS)
    return text.getvalue()


RESULTS_CSV = _as_csv()
RESULTS_NDJSON = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in RESULTS)
