"""Each advisory lock has a number of its own, in one file; no two of them keep each other waiting."""

from pathlib import Path

import psycopg

from retailpulse.storage import locks

ROOM = Path(locks.__file__).parent
NUMBERS = {name: value for name, value in vars(locks).items() if isinstance(value, int)}


def test_no_number_is_used_twice() -> None:
    assert len(NUMBERS) >= 4
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_numbers_of_locks_stand_in_their_file_alone() -> None:
    others = [path.read_text() for path in ROOM.rglob("*.py") if path != Path(locks.__file__)]
    assert not any("7_236_" in text for text in others)
    assert [name for name in NUMBERS if not any(f"locks.{name}" in text for text in others)] == []


def test_a_lock_keeps_back_its_own_kind_and_no_other(empty_url: str) -> None:
    with psycopg.connect(empty_url) as first, psycopg.connect(empty_url) as second:
        for one in NUMBERS.values():
            first.execute(locks.TAKE, [one])
            free = [
                other
                for other in NUMBERS.values()
                if second.execute(locks.TRY, [other]).fetchone() == (True,)
            ]
            assert free == [other for other in NUMBERS.values() if other != one]
            first.rollback()
            second.rollback()
