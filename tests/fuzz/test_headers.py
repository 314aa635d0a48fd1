"""Readers of headers and ends on swollen files: a cause or a size, never more work than the budget has."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.measure import Work
from tests.fuzz import mass
from tests.fuzz.cases import CaseCounter, share
from tests.measure.damage import DAMAGES
from tests.measure.pictures import FLAVOURS
from tests.measure.swollen import SWOLLEN
from tests.measure.working import allowed_lines, cause_of, lines_run, look

FEW_STEPS = 1_000
MOST_BYTES = 1_000_000


def swell(body: bytes, dice: random.Random) -> bytes:
    """A part of a picture stands there as often as there is room for it."""
    start = dice.randrange(max(1, min(len(body), dice.choice((60, 400, 3_000)))))
    part = body[start : start + dice.randrange(1, 120)]
    room = dice.randrange(MOST_BYTES)
    return body[:start] + part * (room // max(1, len(part))) + body[start:]


def swollen(name: str, seed: int, damages: int) -> bytes:
    dice = random.Random(seed)
    size = int(10 ** dice.uniform(2, 6))
    body = SWOLLEN[name](size) if name in SWOLLEN else swell(FLAVOURS[name].body, dice)
    for _ in range(damages):
        body = dice.choice(DAMAGES)(body, dice) if body else body
    return body


@share(0.12)
@given(name=st.sampled_from([*SWOLLEN, *FLAVOURS]), seed=st.integers(0, 2**32 - 1), damages=st.integers(0, 2))
def test_no_file_takes_more_work_than_the_budget_has(
    counter: CaseCounter, name: str, seed: int, damages: int
) -> None:
    counter.count("swollen files")
    body = swollen(name, seed, damages)
    work = Work(FEW_STEPS)
    lines = lines_run(lambda: cause_of(lambda: look(body, work)))
    assert lines <= allowed_lines(FEW_STEPS - max(0, work.left))
    whole = Work()
    told = cause_of(lambda: look(body, whole))
    assert told == "measured" or told.startswith(
        ("corrupt: ", "truncated: ", "unsupported_format: ", "too_many")
    )
    assert (whole.left < 0) <= told.startswith("corrupt: ")


def test_many_damaged_headers_are_read_without_hypothesis() -> None:
    found, _, told = mass.examine(20261129, 3_000)
    assert not found
    assert told.total() == 3_000
    assert {"measured", "truncated", "corrupt"} <= told.keys()


def test_what_is_wrong_with_a_header_is_told_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise IndexError("index out of range")

    monkeypatch.setattr(mass, "read_header", stumble)
    found, _, told = mass.examine(1, 10)
    name, _, path = found.rpartition(": ")
    assert name == "IndexError: index out of range"
    assert not told
    assert Path(path).stat().st_size > 0
    Path(path).unlink()
