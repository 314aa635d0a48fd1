"""The photos that the service is measured with on the whole are different ones, and a few of them are bad."""

from itertools import combinations
from pathlib import Path

import pytest
from bench.cases import MEDIUM
from bench.truth import varied

from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import COPY_DISTANCE
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body
from retailpulse.schema import Measurement

LIMIT = 2_000_000


def test_photos_differ_and_have_their_size_and_the_bad_ones_are_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(varied, "PER_HUNDRED", {2: "blurred", 3: "dark", 4: "wall", 7: "reused"})
    found = []
    for name in varied.draw_varied(MEDIUM, 8, tmp_path):
        body = (tmp_path / name).read_bytes()
        found.append(measure_body(body, Depth.DECODE, LIMIT))
        assert (found[-1].width, found[-1].height) == (MEDIUM.width, MEDIUM.height)
    assert (tmp_path / "214kB-0.jpg").stat().st_size == pytest.approx(MEDIUM.size_bytes, rel=0.1)
    assert [each.flags for each in found[:2]] == [[], []]
    assert [each.flags[0] for each in found[2:5]] == ["blurred", "dark", "blank"]
    pairs = combinations([place for place in range(8) if found[place].fingerprint], 2)
    copies = [pair for pair in pairs if _distance(*(found[place] for place in pair)) <= COPY_DISTANCE]
    assert copies == [(5, 7)]


def _distance(one: Measurement, other: Measurement) -> int:
    assert one.fingerprint is not None
    assert other.fingerprint is not None
    return fingerprints.closest(one.fingerprint, other.fingerprint)
