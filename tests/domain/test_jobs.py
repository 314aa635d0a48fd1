"""How a job is cut: into chunks that many workers can share, but not into very small ones."""

import pytest

from retailpulse.domain.jobs import chunk_size


@pytest.mark.parametrize(
    ("images", "most_images", "expected"),
    [
        (0, 512, 64),
        (1, 512, 64),
        (2_000, 512, 64),
        (2_049, 512, 65),
        (10_000, 512, 313),
        (1_000_000, 512, 512),
        (1_000_000, 20, 20),
        (5, 2, 2),
    ],
)
def test_a_job_is_cut_for_many_workers(images: int, most_images: int, expected: int) -> None:
    assert chunk_size(images, most_images) == expected
