"""How a job is cut: into chunks that many workers can share, but not into very small ones."""

import pytest

from retailpulse.domain.jobs import chunk_size


@pytest.mark.parametrize(
    ("images", "expected"), [(0, 20), (1, 20), (640, 20), (641, 21), (10_000, 313), (1_000_000, 512)]
)
def test_a_job_is_cut_for_many_workers(images: int, expected: int) -> None:
    assert chunk_size(images) == expected
