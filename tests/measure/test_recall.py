"""Zeroed parts of drawn files: at least 99% of each kind are found, and no whole file is suspect."""

import pytest
from bench.damage.kinds import KINDS, Kind
from bench.damage.recall import HEAD, measure, row

pytestmark = pytest.mark.slow
SIZES = ((640, 480), (1280, 960), (2000, 1500))


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_zeroed_parts_are_found(kind: Kind) -> None:
    found = measure(kind, SIZES, times=4)
    print(f"{HEAD}\n{row(found)}")
    assert found.whole >= 6
    assert found.wrongly == 0
    assert found.least >= 0.99
