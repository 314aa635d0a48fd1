"""What a load takes, by the costs of one image."""

from dataclasses import replace
from typing import Any

import pytest

from retailpulse.domain.capacity import OURS, Costs, Load, plan, worker_us
from retailpulse.domain.images import Depth

ROUND = Costs(
    measured_on="paper",
    worker_us=100.0,
    worker_us_per_mb=1_000.0,
    decode_us=1_000.0,
    decode_us_per_megapixel=2_000.0,
    api_us=10.0,
    database_us=20.0,
    database_checked_us=1_000.0,
    row_bytes=500.0,
    row_checked_bytes=1_500.0,
    picture_bytes=10_000.0,
    wal_bytes=800.0,
    wal_checked_bytes=20_000.0,
    worker_memory_bytes=300e6,
)
A_SECOND = Load(
    images_per_day=86_400_000.0,
    size_bytes=2e6,
    megapixels=10.0,
    depth=Depth.DECODE,
    hosts=100,
    latency_seconds=0.5,
    host_cap=16,
    peak=2.0,
    keep_days=100.0,
    picture_days=10.0,
)
"""A thousand images a second on average, two thousand at the peak."""


@pytest.mark.parametrize(
    ("depth", "us"), [(Depth.HEADER, 100.0), (Depth.DOWNLOAD, 2_100.0), (Depth.DECODE, 23_100.0)]
)
def test_each_depth_costs_what_the_one_before_does_and_more(depth: Depth, us: float) -> None:
    assert worker_us(ROUND, depth, size_bytes=2e6, megapixels=10.0) == us


def test_a_load_takes_what_its_images_cost_at_the_peak() -> None:
    found = plan(A_SECOND, ROUND)
    assert found.images_per_second == 2_000
    assert found.workers == 66  # 2,000 times 23.1 ms, at 70% of a core each
    assert found.worker_memory_bytes == 66 * 300e6
    assert found.apis == 2
    assert found.bandwidth_bits == pytest.approx(32e9)
    assert found.requests_at_once == 1_000
    assert found.database_cores == pytest.approx(2_000 * 1_020e-6 / 0.7)
    assert found.database_bytes == pytest.approx(86.4e6 * (100 * 2_000 + 10 * 10_000))
    assert found.wal_bytes_per_second == pytest.approx(2_000 * 20_800)
    assert found.commits_per_second == 264


def test_a_header_neither_writes_fingerprints_nor_keeps_pictures() -> None:
    found = plan(replace(A_SECOND, depth=Depth.HEADER), ROUND)
    assert found.database_bytes == pytest.approx(86.4e6 * 100 * 500)
    assert found.bandwidth_bits == pytest.approx(2_000 * 16_384 * 8)


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({}, "size of the database, TB"),
        ({"keep_days": 1.0, "picture_days": 0.0}, "bandwidth, Gbit a second"),
        ({"hosts": 1}, "requests at once that the photo hosts take"),
        ({"keep_days": 1.0, "picture_days": 0.0, "size_bytes": 100e3, "megapixels": 60.0}, "connections"),
    ],
)
def test_what_is_used_most_limits_first(changed: dict[str, Any], first: str) -> None:
    limits = plan(replace(A_SECOND, **changed), ROUND).limits
    assert limits[0].name == first
    assert [limit.share for limit in limits] == sorted((limit.share for limit in limits), reverse=True)


def test_a_small_load_takes_one_worker_and_a_second_api_for_the_first_one_s_sake() -> None:
    found = plan(replace(A_SECOND, images_per_day=1_000.0), OURS)
    assert (found.workers, found.apis) == (1, 2)
    assert all(limit.share < 1 for limit in found.limits)


@pytest.mark.parametrize("name", ["images_per_day", "size_bytes", "megapixels", "peak"])
def test_more_of_anything_takes_no_less(name: str) -> None:
    more = replace(A_SECOND, **{name: 3 * getattr(A_SECOND, name)})
    small, large = plan(A_SECOND, OURS), plan(more, OURS)
    assert large.workers >= small.workers
    assert large.bandwidth_bits >= small.bandwidth_bits
