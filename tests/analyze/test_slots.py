"""Every analyzer has a slot of its own in the number of a result that says which of them looked at it."""

from retailpulse.analyze.registry import ALL
from retailpulse.domain.analysis import (
    MAX_VERSION,
    SLOT_BITS,
    SLOTS,
    newest_versions,
    pack_versions,
    unpack_version,
)


def test_every_analyzer_has_a_slot_that_holds_its_version() -> None:
    assert {analyzer.name for analyzer in ALL} <= SLOTS.keys()
    assert all(analyzer.version <= MAX_VERSION for analyzer in ALL)
    assert sorted(SLOTS.values()) == list(range(len(SLOTS)))
    assert len(SLOTS) * SLOT_BITS <= 63  # a bigint of PostgreSQL, without its sign


def test_versions_come_out_as_they_went_in() -> None:
    versions = {name: place + 1 for place, name in enumerate(SLOTS)}
    packed = pack_versions(versions)
    assert {name: unpack_version(packed, name) for name in SLOTS} == versions
    assert pack_versions({}) is None
    assert unpack_version(None, "damage") == unpack_version(packed, "none") == 0
    older = pack_versions({"damage": 9, "capture": 1})
    assert newest_versions(packed, older) == pack_versions({**versions, "damage": 9})
