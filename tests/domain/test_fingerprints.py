"""Fingerprints: layout, keys that find what differs in few bits, distances that depend on no order."""

import random

import pytest

from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import Part

DICE = random.Random(7)
WHOLE = Part.KEPT | Part.ASKED


def drawn() -> bytes:
    """A hash of random bits."""
    return DICE.randbytes(fingerprints.HASH_BYTES)


def flipped(digest: bytes, count: int) -> bytes:
    """The hash with so many bits changed."""
    bits = int.from_bytes(digest)
    for place in DICE.sample(range(256), count):
        bits ^= 1 << place
    return bits.to_bytes(32)


def finds(asked: bytes, stored: bytes) -> bool:
    """Whether a lookup of one fingerprint meets a row of the other."""
    kept = [fingerprints.keys(digest) for digest in fingerprints.parse(stored)]
    return any(
        key in values
        for probe in fingerprints.probes(asked)
        for row in kept
        for key, values in zip(row, probe.values, strict=True)
    )


def test_what_is_stored_are_the_hashes_to_keep_once() -> None:
    first, second, third = drawn(), drawn(), drawn()
    data = fingerprints.build([(WHOLE, first), (Part.KEPT, second), (WHOLE, first), (Part.ASKED, third)])
    assert fingerprints.parse(data) == (first, second)
    assert [probe.hash for probe in fingerprints.probes(data)] == [first, third]


@pytest.mark.parametrize("data", [b"", b"\1", b"\1" + bytes(32), b"\2" + bytes(33), b"\1\x20" + bytes(32)])
def test_other_data_are_no_fingerprint(data: bytes) -> None:
    assert not fingerprints.is_valid(data)
    with pytest.raises(ValueError, match="no fingerprint of version 1"):
        fingerprints.parse(data)


def test_keys_fit_a_signed_column_of_32_bits() -> None:
    for digest in (bytes(32), b"\xff" * 32, drawn()):
        found = fingerprints.keys(digest)
        assert len(found) == fingerprints.BANDS
        assert all(-(2**31) <= key < 2**31 for key in found)
    assert fingerprints.keys(b"\xff" * 32) != fingerprints.keys(bytes(32))


@pytest.mark.parametrize(("flips", "least"), [(19, 300), (26, 270)])
def test_the_bands_find_every_pair_of_few_flips_and_most_of_more(flips: int, least: int) -> None:
    """Fewer than two flips for each band leave one band with at most one."""
    found = 0
    for _ in range(300):
        digest = drawn()
        pair = [fingerprints.build([(WHOLE, each)]) for each in (digest, flipped(digest, flips))]
        found += finds(*pair)
    assert found >= least


def test_pictures_that_have_nothing_in_common_are_not_met() -> None:
    met = sum(
        finds(fingerprints.build([(WHOLE, drawn())]), fingerprints.build([(WHOLE, drawn())]))
        for _ in range(300)
    )
    assert met <= 3


def test_a_mirror_is_asked_for_where_both_sides_are_equally_bright() -> None:
    digest = drawn()
    turned = fingerprints.build([(WHOLE, fingerprints.mirrored(digest))])
    assert fingerprints.closest(fingerprints.build([(WHOLE, digest)]), turned) > 60
    unsure = fingerprints.build([(WHOLE | Part.SIDEWAYS, digest)])
    assert fingerprints.closest(unsure, turned) == fingerprints.closest(turned, unsure) == 0
    both = fingerprints.build([(WHOLE | Part.SIDEWAYS | Part.UPSIDE_DOWN, digest)])
    assert len(fingerprints.probes(both)) == 4


def test_a_hash_that_no_lookup_asks_for_is_met_by_those_that_are() -> None:
    whole, inner = drawn(), drawn()
    earlier = fingerprints.build([(WHOLE, whole), (Part.KEPT, inner)])
    cut = fingerprints.build([(WHOLE, flipped(inner, 9))])
    assert fingerprints.closest(earlier, cut) == fingerprints.closest(cut, earlier) == 9


def test_mirrors_undo_themselves() -> None:
    digest = drawn()
    assert fingerprints.mirrored(fingerprints.mirrored(digest)) == digest
    assert fingerprints.upside_down(fingerprints.upside_down(digest)) == digest


def test_an_exact_lookup_asks_for_a_key_of_each_band_alone() -> None:
    digest = drawn()
    (probe,) = fingerprints.probes(fingerprints.build([(Part.KEPT | Part.EXACT, digest)]))
    assert probe.values == tuple((key,) for key in fingerprints.keys(digest))
    (wide,) = fingerprints.probes(fingerprints.build([(Part.EXACT, digest), (WHOLE, digest)]))
    assert {len(values) for values in wide.values} == {1 + fingerprints.BAND_BITS}


def test_a_caption_at_any_edge_leaves_some_bands_as_they_were() -> None:
    digest = int.from_bytes(drawn())
    row, column = (1 << 16) - 1, sum(1 << 16 * line for line in range(16))
    first_rows = row | row << 16 | row << 32
    first_columns = column | column << 1 | column << 2
    for covered in (first_rows, first_rows << 13 * 16, first_columns, first_columns << 13):
        kept, changed = (fingerprints.keys(bits.to_bytes(32)) for bits in (digest, digest ^ covered))
        assert sum(key == other for key, other in zip(kept, changed, strict=True)) >= 4
