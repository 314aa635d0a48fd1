"""All faults in a random order, as `make soak` does them for hours: every promise holds at the end."""

import pytest

from tests.soak.run import Wishes, soak

SEED = 20_261_120


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_random_mix_of_faults_breaks_no_promise() -> None:
    wishes = Wishes(seed=SEED, seconds=28, jobs=3, images=300, pause_seconds=(0.3, 1.5))
    report = soak(wishes, print)
    assert report.problems == [], "\n".join(report.lines())
    assert report.faults.total() >= 8
    assert report.jobs >= 3
