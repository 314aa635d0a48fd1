"""How a job is cut: into chunks that many workers can share, but not into very small ones."""

import pytest

from retailpulse.domain.jobs import chunk_size


@pytest.mark.parametrize(
    ("images", "most_images", "expected"),
    [
        (0, 512, 16),
        (1, 512, 16),
        (512, 512, 16),
        (513, 512, 17),
        (10_000, 512, 313),
        (1_000_000, 512, 512),
        (1_000_000, 20, 20),
        (5, 2, 2),
    ],
)
def test_a_job_is_cut_for_many_workers(images: int, most_images: int, expected: int) -> None:
    assert chunk_size(images, most_images) == expected
