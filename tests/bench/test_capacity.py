"""The costs of an image, as runs of a few kinds of photos tell them."""

from dataclasses import replace

import pytest
from bench.capacity import ImageCost, costs_of, megapixels
from bench.cases import LARGE, MEDIUM, Photo

HEADER = ImageCost(
    worker_us=200.0,
    api_us=5.0,
    database_us=40.0,
    database_bytes=400.0,
    picture_bytes=0.0,
    wal_bytes=500.0,
    memory_bytes=250e6,
)


def decoded(photo: Photo) -> ImageCost:
    """One that costs 1 ms more for each MB, 2 ms for its decoding, and 3 ms for each megapixel."""
    us = 200.0 + 1_000.0 * photo.size_bytes / 1e6 + 2_000.0 + 3_000.0 * megapixels(photo)
    stored = replace(HEADER, database_bytes=24_400.0, picture_bytes=21_000.0, wal_bytes=20_500.0)
    return replace(stored, worker_us=us, database_us=1_040.0)


def test_the_costs_are_those_that_the_runs_were_made_of() -> None:
    downloaded = replace(HEADER, worker_us=200.0 + 1_000.0 * LARGE.size_bytes / 1e6)
    costs = costs_of(2, HEADER, downloaded, decoded(MEDIUM), decoded(LARGE))
    assert (costs.worker_us, costs.api_us, costs.database_us) == (200.0, 5.0, 40.0)
    assert costs.worker_us_per_mb == pytest.approx(1_000)
    assert costs.decode_us == pytest.approx(2_000)
    assert costs.decode_us_per_megapixel == pytest.approx(3_000)
    assert costs.database_checked_us == pytest.approx(1_000)
    assert (costs.row_bytes, costs.row_checked_bytes, costs.picture_bytes) == (400.0, 3_000.0, 21_000.0)
    assert (costs.wal_bytes, costs.wal_checked_bytes) == (500.0, 20_000.0)
    assert costs.worker_memory_bytes == 125e6
