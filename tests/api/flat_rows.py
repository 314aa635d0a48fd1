"""Rows of results as formats without lists and objects hold them."""

from typing import Any

NUMBERS = [
    "sharpness",
    "brightness",
    "brightness_p5",
    "brightness_p50",
    "brightness_p95",
    "brightness_p99",
    "contrast",
    "blown",
    "content",
    "hours_from_visit",
    "store_distance_m",
]
"""What stands in the object `checks`, in its order."""


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of JSON as CSV, Parquet and XLSX have it: a column for each number, flags as one text."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= dict.fromkeys(NUMBERS) | value if name == "checks" else {name: value}
    return found | {"flags": " ".join(row["flags"])}
